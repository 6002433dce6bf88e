"""The table of comparisons: the questions, word for word, and their settings."""
