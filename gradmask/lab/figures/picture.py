"""Draw the picture that opens the book: ``python -m gradmask.lab.figures.picture``."""

import sys
from pathlib import Path

from gradmask import laplacian_of_gaussian
from gradmask.lab.data import load_fashion_mnist
from gradmask.lab.figures.mask import anatomy
from gradmask.lab.figures.style import use_style
from gradmask.lab.models import small_resnet
from gradmask.lab.probe import error_signals
from gradmask.lab.scenes import Scenes, scene_splits
from gradmask.lab.train import train


def main(path: Path) -> None:
    """Train a small network on scenes and draw the first validation scene's mask."""
    use_style()
    splits = scene_splits(load_fashion_mnist(), train=2_000, validation=500, test=10)
    model = small_resnet(seed=0)
    train(model, splits.train, splits.validation, epochs=4, seed=0)
    scenes = splits.validation
    errors = error_signals(model.train(), scenes.images[:64], scenes.labels[:64])
    first = Scenes(*(field[:1] for field in scenes))
    figure = anatomy(first, errors["2"][:1], laplacian_of_gaussian(1.0))
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Software": None})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
