"""The book's pictures: every figure is a function with a name."""

from gradmask.lab.figures.style import COLOURS, use_style

__all__ = ["COLOURS", "use_style"]
