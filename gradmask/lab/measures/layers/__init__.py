"""What happens at single layers."""
