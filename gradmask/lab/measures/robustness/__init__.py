"""Attacks, and whether they can be trusted."""
