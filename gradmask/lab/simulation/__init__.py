"""The analysis's model, drawn at random."""
