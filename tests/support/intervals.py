"""What a figure of intervals has drawn."""


def drawn(ax):
    """Ends of the bars, and the dots, in the order in which they were drawn."""
    bars = [line for line in ax.lines if line.get_marker() == "None"]
    dots = [
        line
        for line in ax.lines
        if line.get_marker() != "None" and len(line.get_xdata())
    ]
    return [list(bar.get_xdata()) for bar in bars], dots
