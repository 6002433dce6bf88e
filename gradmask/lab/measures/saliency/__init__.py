"""Saliency maps, and how well they find and explain objects."""
