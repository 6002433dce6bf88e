"""Photographs of ImageNet's validation set: whether the network agrees with its maps.

The question of :mod:`.photographs` on five hundred photographs that the network has not
been trained on, without boxes.

The plan: the photographs of ImageNet's validation set that are in Imagenette, fifty of
each of ten classes, squares of 224 pixels.  What is explained is the class that the
network names among the thousand.  Insertion and deletion of every map; a Gaussian about
the centre, which has never seen a network, is the baseline to beat, since photographers
point at what they show.

What we expect: Grad-CAM and Grad-CAM++ ahead of the centre in insertion by 2 to 5
points, lateral saliency ahead of the gradient and within 2 points of the centre;
integrated gradients and the gradient ahead in deletion, and all maps ahead of random
pixels in insertion.

The compute: two hours on one core, or five minutes on a GPU.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from gradmask.lab.data.decoded import decoded
from gradmask.lab.data.images import intensities
from gradmask.lab.data.validation import TEN, validation_photographs
from gradmask.lab.experiments.experiment import Experiment
from gradmask.lab.experiments.photographs import WEIGHTS
from gradmask.lab.measures.saliency.protocol import agreement, draw_all
from gradmask.lab.networks.inspection import predict
from gradmask.lab.networks.pretrained import pretrained
from gradmask.lab.records import Row

__all__ = ["EXPERIMENT", "ImageNetMaps"]


@dataclass(frozen=True, kw_only=True)
class ImageNetMaps(Experiment):
    """The classes, how many photographs of each, and how finely maps are measured."""

    classes: tuple[int, ...] = tuple(TEN.values())
    of_each: int = 50
    side: int = 224
    steps: int = 16
    batch_size: int = 25
    seeds: range = range(1)

    def materials(self, device: torch.device) -> dict[str, str]:
        """Where photographs and weights come from."""
        images = "JPEG copies of ImageNet's validation set, squares of 224 pixels"
        return {"images": images, "weights": WEIGHTS}

    @property
    def parts(self) -> int:
        """A part for each class."""
        return len(self.classes)

    def run(self, seed: int, device: torch.device) -> list[Row]:
        """Measure every map of every photograph.

        Rows: "label", the true class; "photograph", its number within the class;
        "right", whether the network names it, and the "probability" of what it names;
        "map", "insertion", "deletion" and "seconds".
        """
        return self._in_parts(seed, device)

    def part(self, number: int, seed: int, device: torch.device) -> list[Row]:  # noqa: D102
        label = self.classes[number]
        own = [item for item in validation_photographs() if item[1] == label]
        images = decoded(own[: self.of_each], self.side).images
        network = pretrained().network.to(device)
        starts = range(0, len(images), self.batch_size)
        return [
            row
            for start in starts
            for row in self._rows(
                network,
                intensities(images[start : start + self.batch_size].to(device)),
                label,
                start,
            )
        ]

    def smoke(self) -> Self:  # noqa: D102
        return replace(
            self, classes=self.classes[:1], of_each=2, side=32, steps=2, batch_size=2
        )

    def gpu(self) -> Self:
        """Ask the same."""
        return self

    def _rows(
        self, network: torch.nn.Module, images: Tensor, label: int, first: int
    ) -> list[Row]:
        highest, said = predict(network, images).softmax(1).max(1)
        drawn = draw_all(network, images, said)
        measured = agreement(network, images, said, drawn.maps, self.steps)
        return [
            {
                "label": label,
                "photograph": first + index,
                "right": int(said[index]) == label,
                "probability": float(highest[index]),
                "map": name,
            }
            | {key: float(values[index]) for key, values in measured[name].items()}
            | {"seconds": drawn.seconds[name]}
            for index in range(len(images))
            for name in drawn.maps
        ]


EXPERIMENT = ImageNetMaps(name="photographs_imagenet", question=__doc__)
