"""The experiments: a question each, what is set for it, and what answers it."""
