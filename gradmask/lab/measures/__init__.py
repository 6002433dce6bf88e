"""What is measured of a trained network; nothing here trains."""
