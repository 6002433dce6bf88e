"""Networks, and how to look at them."""
