"""Draw the picture that opens the book: ``python -m gradmask.lab.cli.picture``.

It comes still, and moving: the same scene after every epoch of a short training.
"""

import sys
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from gradmask import laplacian_of_gaussian
from gradmask.functional import error_energy, lateral_mask, lateral_response
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import scene_splits
from gradmask.lab.figures.maps import anatomy
from gradmask.lab.figures.style import use_style
from gradmask.lab.networks.inspection import error_signals
from gradmask.lab.networks.small import small_resnet
from gradmask.lab.training.loop import stages, train

EPOCHS = 8
SCENES = 64
STILL = 4
MILLISECONDS = 500


def main(still: Path, moving: Path) -> None:
    """Train a small network and draw the first validation scene's mask on the way.

    Parameters
    ----------
    still : Path
        PNG to write.
    moving : Path
        Animated WebP to write.  It plays once, in less than five seconds, and stays.
    """
    use_style()
    splits = scene_splits(load_fashion_mnist(), train=2_000, validation=500, test=10)
    scenes = splits.validation[:SCENES]
    kernel = laplacian_of_gaussian(1.0)
    figures: list[Figure] = []

    model = small_resnet(seed=0)
    for epoch in stages(train(model, splits.train, epochs=EPOCHS, seed=0)):
        errors = error_signals(model.train(), scenes.images, scenes.labels)
        energy = error_energy(errors["2"])
        steps = lateral_response(energy, kernel), lateral_mask(energy, kernel)
        shown = (part[:1, 0] for part in (energy, *steps))
        figure = anatomy(scenes.images[:1, 0], scenes.mask[:1], *shown)
        figure.set_figheight(2.15)  # with room for the numbers
        kept = steps[1][:, 0]
        hits, false_alarms = (
            kept[where].float().mean() for where in (scenes.mask, ~scenes.mask)
        )
        when = f"after epoch {epoch}" if epoch else "before training"
        figure.supxlabel(
            f"{when}: the mask keeps {hits:.0%} of the objects and {false_alarms:.0%} "
            f"of the rest (mean of {len(kept)} scenes)",
            fontsize=10,
        )
        figures.append(figure)
    animate(figures, moving, MILLISECONDS)
    figures[STILL].savefig(still, metadata={"Software": None})


def animate(figures: list[Figure], path: Path, milliseconds: int) -> None:
    """Write figures of one size as an animation that plays once and stays.

    Parameters
    ----------
    figures : list of Figure
        The frames.
    path : Path
        WebP file to write.
    milliseconds : int
        How long each frame is shown.
    """
    frames = []
    for figure in figures:
        buffer = BytesIO()
        figure.savefig(buffer, dpi=160)
        frames.append(Image.open(buffer).convert("RGB"))
    first, *rest = frames
    first.save(
        path, append_images=rest, duration=milliseconds, loop=1, quality=80, method=6
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
