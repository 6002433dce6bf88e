"""Saliency maps, and how to judge them."""
