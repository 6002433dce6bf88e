"""Pictures of augmentation: what it does to a batch, and what it gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from gradmask.lab.data.fashion import CLASSES
from gradmask.lab.data.scenes import Scenes
from gradmask.lab.figures.style import (
    COLOURS,
    INK,
    done,
    interval_line,
    legend_below,
    panels,
    show_map,
)
from gradmask.lab.records import Row
from gradmask.lab.reports.comparison import effect

__all__ = ["compared", "mixtures", "where"]

Mixed = tuple[Tensor, Tensor]

GUIDES = {
    "random": (COLOURS["random"], "s"),
    "lateral": (COLOURS["mask"], "o"),
    "Grad-CAM": (COLOURS["top-k"], "^"),
    "object": (COLOURS["object"], "P"),
}
"""Colour and marker of everything that says where the object is."""


def mixtures(batches: Mapping[str, Mixed], count: int = 5) -> Figure:
    """First images of a batch, a row for every augmentation, with their targets.

    Parameters
    ----------
    batches : mapping of str to (images, targets)
        Images (B, 1, H, W) and targets (B, 10), by the augmentation's name.
    count : int, default 5
        How many images.
    """
    figure, axes = panels(count, len(batches), 1.78 * len(batches), squeeze=False)
    for row, (name, (images, targets)) in zip(axes, batches.items(), strict=True):
        for ax, image, target in zip(row, images, targets, strict=False):
            show_map(ax, image[0], _shares(target), cmap="gray", vmin=0, vmax=1)
        row[0].set_ylabel(name)
    return done(figure)


def where(scenes: Scenes, centres: Mapping[str, Tensor], count: int = 5) -> Figure:
    """First scenes, their objects outlined, and the pixel that every guide points to.

    Parameters
    ----------
    scenes : Scenes
        The scenes.
    centres : mapping of str to Tensor
        Pixels (x, y), of shape (N, 2), by the guide's name.
    count : int, default 5
        How many scenes.
    """
    figure, axes = panels(count, height=2.0)
    for index, ax in enumerate(axes):
        label = CLASSES[int(scenes.labels[index])]
        show_map(ax, scenes.images[index, 0], label, cmap="gray", vmin=0, vmax=1)
        outline = scenes.mask[index].float()
        ax.contour(outline, levels=[0.5], colors=COLOURS["object"], linewidths=1.1)
        for name, pixels in centres.items():
            colour, marker = GUIDES[name]
            ax.plot(
                *pixels[index].tolist(),
                marker,
                ms=8,
                mfc=colour,
                mec="white",
                label=name,
                clip_on=False,
            )
    legend_below(figure, axes[0])
    return done(figure)


def compared(
    rows: Sequence[Row],
    pairs: Sequence[tuple[str, str]],
    quantities: Mapping[str, str],
) -> Figure:
    """Paired differences between variants with their intervals, zero marked.

    Parameters
    ----------
    rows : sequence of dict
        A record's rows.
    pairs : sequence of (str, str)
        A variant and what it is compared with; a line for each, from the top.
    quantities : mapping of str to str
        A panel for each number, a share, with its title.
    """
    height = 0.75 + 0.27 * len(pairs)
    figure, axes = panels(len(quantities), height=height, sharey=True, squeeze=False)
    for ax, (quantity, title) in zip(axes[0], quantities.items(), strict=True):
        for y, (variant, baseline) in enumerate(pairs):
            _difference(ax, rows, variant, baseline, quantity, y)
        ax.axvline(0, color=INK, lw=1)
        ax.set(title=title, xlabel="difference (points)")
        ax.grid(axis="y")
    axes[0, 0].set_yticks(range(len(pairs)), [_label(*pair) for pair in pairs])
    axes[0, 0].set_ylim(len(pairs) - 0.4, -0.6)
    return done(figure)


def _difference(
    ax: Axes, rows: Sequence[Row], variant: str, baseline: str, quantity: str, y: int
) -> None:
    interval = effect(rows, variant, baseline, quantity)
    in_points = [100 * value for value in interval]
    guide = variant.partition(", ")[2]
    colour, marker = GUIDES.get(guide, (COLOURS["plain"], "D"))
    filled = interval.excludes_zero
    interval_line(ax, in_points, y, colour, filled=filled, marker=marker)


def _label(variant: str, baseline: str) -> str:
    """``"paste: lateral − random"`` for two guides of a mixture."""
    mix, _, guide = variant.partition(", ")
    other = baseline.removeprefix(f"{mix}, ")
    if other == baseline:
        return f"{variant} − {baseline}"
    return f"{mix}: {guide} − {other}"


def _shares(target: Tensor) -> str:
    """The classes of a soft target that matter, one a line: ``"Bag 62 %"``."""
    share, index = target.topk(2)
    lines = [
        f"{CLASSES[int(i)]} {100 * float(s):.0f} %"
        for s, i in zip(share, index, strict=True)
        if s >= 0.005
    ]
    return "\n".join([" ", *lines][-2:])
