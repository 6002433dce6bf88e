"""Diagrams that show no number."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from gradmask.lab.figures.style import COLOURS, INK, done, subplots

__all__ = ["projection", "residual_block", "routes"]

Point = tuple[float, float]

_MASKED = COLOURS["mask"]
_LAYER, _WEIGHTS, _STEP = 2.6, 8.0, 2.2
_WIDE, _HIGH = 2.6, 0.9


def routes() -> Figure:
    """Diagram of the two routes: what the mask touches, and what it leaves alone."""
    figure, axes = subplots(2, height=3.6)
    for ax, route in zip(axes, ("signal", "weights"), strict=True):
        ax.set(xlim=(0.6, 10), ylim=(-0.6, 7.1), title=f'route="{route}"')
        ax.axis("off")
        ax.text(_LAYER, 6.75, "error from the loss", ha="center", va="center")
        for level in range(3):
            _layer(ax, level, masks_path=route == "signal")
    axes[0].text(_LAYER + 0.45, 5.9, "mask", va="center", color=_MASKED)
    axes[1].text(5.3, 4.75, "mask", ha="center", color=_MASKED)
    for ax in axes:
        ax.text(6.65, 4.02, "masked\nerror", ha="right", va="top", color=_MASKED)
    return done(figure)


def residual_block() -> Figure:
    """Diagram of a residual block on both routes: where errors pass it by."""
    figure, axes = subplots(2, height=3.6)
    for ax, route in zip(axes, ("signal", "weights"), strict=True):
        ax.set(xlim=(-0.4, 10), ylim=(-0.6, 7.1), title=f'route="{route}"')
        ax.axis("off")
        _block(ax, masks_path=route == "signal")
    return done(figure)


def _block(ax: Axes, *, masks_path: bool) -> None:
    """A block: its main path on the left, its two convolutions on the right."""
    main, branch, weights, half = 0.6, 4.2, 8.6, _HIGH / 2
    inside = _MASKED if masks_path else INK
    ax.text(main, 6.75, "error from above", va="center")
    _arrow(ax, (main, 6.4), (main, 5.3), masked=masks_path)
    _arrow(ax, (main, 5.3), (main, 0.0), before=inside)
    ax.text(main + 0.2, 2.6, "main path", color=inside)
    ax.plot([main, branch], [5.3, 5.3], color=inside, lw=1.6)
    heights = {"convolution 2": 4.0, "convolution 1": 1.6}
    for name, y in heights.items():
        _box(ax, (branch, y), name)
        _box(ax, (weights, y), "weights")
        path = (branch + _WIDE / 2, y), (weights - _WIDE / 2, y)
        _arrow(ax, *path, before=inside, masked=not masks_path)
    _arrow(ax, (branch, 5.3), (branch, 4.0 + half), before=inside)
    between = (branch, 4.0 - half), (branch, 1.6 + half)
    _arrow(ax, *between, before=inside, masked=masks_path)
    ax.plot([branch, branch, main], [1.6 - half, 0.5, 0.5], color=inside, lw=1.6)
    ax.text(main, -0.35, "error for the layers below", color=inside, va="center")


def projection() -> Figure:
    """Diagram of a mask in front of a normalisation, as three arrows in a plane."""
    figure, ax = subplots(1, height=2.9)
    figure.set_figwidth(4.6)
    ax.set(xlim=(-1.2, 4.6), ylim=(-0.4, 3.3), aspect="equal")
    ax.axis("off")
    ax.axhline(0, color="#8b949e", lw=1)
    ax.text(4.6, -0.3, "what a normalisation takes away", ha="right", va="center")
    for end, colour, name, where in (
        ((0, 3), INK, "error", (-0.15, 2.6)),
        ((1.9, 2.0), COLOURS["object"], "masked error", (2.0, 2.1)),
        ((0, 2.0), _MASKED, "masked and projected", (-0.15, 1.2)),
    ):
        _arrow(ax, (0, 0), end, before=colour)
        ax.text(*where, name, color=colour, ha="left" if where[0] > 0 else "right")
    ax.plot([0, 1.9], [2, 2], ls=":", color=COLOURS["object"])
    return done(figure)


def _layer(ax: Axes, level: int, *, masks_path: bool) -> None:
    """A layer and its weights, with the error that reaches both from above."""
    y = _STEP * level
    _box(ax, (_LAYER, y), f"layer {level + 1}")
    _box(ax, (_WEIGHTS, y), "weights")
    top = y + _STEP - _HIGH / 2 if level < 2 else 6.4
    path = (_LAYER, top), (_LAYER, y + _HIGH / 2)
    branch = (_LAYER + _WIDE / 2, y), (_WEIGHTS - _WIDE / 2, y)
    if masks_path:
        _arrow(ax, *path, before=INK if level == 2 else _MASKED, masked=True)
        _arrow(ax, *branch, before=_MASKED)
    else:
        _arrow(ax, *path)
        _arrow(ax, *branch, masked=True)


def _box(ax: Axes, centre: Point, label: str) -> None:
    x, y = centre
    corner = x - _WIDE / 2, y - _HIGH / 2
    shape = "round,pad=0,rounding_size=0.15"
    box = FancyBboxPatch(corner, _WIDE, _HIGH, boxstyle=shape)
    box.set(fc="#eef1f4", ec="#8b949e", lw=0.8)
    ax.add_patch(box)
    ax.text(x, y, label, ha="center", va="center")


def _arrow(
    ax: Axes, start: Point, end: Point, *, before: str = INK, masked: bool = False
) -> None:
    """An arrow from edge to edge; if masked, with a ring in its middle, then blue."""
    middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    after = _MASKED if masked else before
    look = {"arrowstyle": "-|>", "lw": 1.6, "shrinkA": 0, "shrinkB": 0, "color": after}
    ax.annotate("", end, middle if masked else start, arrowprops=look)
    if masked:
        ax.plot(*zip(start, middle, strict=True), color=before, lw=1.6)
        ax.plot(*middle, "o", ms=9, mfc="white", mec=_MASKED, mew=1.8, zorder=5)
