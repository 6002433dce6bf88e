"""One training loop, and what is compared in it."""
