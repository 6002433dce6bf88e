"""Pictures of the premise say what their panels show."""

import torch
from torch import nn

from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import cluttered_scenes
from gradmask.lab.figures import premise as draw
from gradmask.lab.measures.layers.contrast import Signals


def test_energy_maps_name_their_columns_once():
    scenes = cluttered_scenes(load_fashion_mnist().test, 10, seed=0)
    conv = nn.Conv2d(2, 3, 3, padding=1)
    signals = Signals(conv, torch.rand(10, 2, 8, 8), torch.rand(10, 3, 8, 8))
    figure = draw.energy_maps(scenes, {"before": signals, "after": signals}, [0, 1])
    # The book's style sets titles flush left, Matplotlib's own in the centre.
    titles = [ax.get_title("left") or ax.get_title("center") for ax in figure.axes]
    assert titles[:5] == [
        "scene",
        *(
            f"{kind},\n{stage}"
            for kind in ("error", "contribution")
            for stage in ("before", "after")
        ),
    ]
    assert not any(titles[5:])
