"""Augmentation in the place of a mask: the simplest rival where backgrounds mislead.

The question, put before any of these networks was trained: on misleading backgrounds
the soft mask is ahead of plain training and of every control of it. Whoever knows that
backgrounds mislead would do something simpler: exchange them. Is the soft mask ahead of
that, too, and is it on ordinary scenes?

The ways: half of the batches keep a square of every image, as wide as the object, and
take everything around it from another image; the label stays. The square lies
*anywhere*, which needs no knowledge of the object; where *lateral saliency* of the
network peaks; or about the *object's box*, which nobody has as a rule: the ceiling. And
CutMix.

The reading: paired differences with their 95 % intervals to the plain networks and the
soft masks of ``soft_scenes`` and ``soft_backgrounds``, of the same seeds, images,
schedule and levels, in accuracy, accuracy after pruning and under attack, and
attention.

What we expect. On misleading backgrounds the square about the box is ahead of the soft
mask by more than ten points of accuracy; the squares anywhere and by saliency are ahead
of plain training by more than five points, and level with the soft mask. CutMix is
level with plain training. On ordinary scenes a square anywhere is ahead of the soft
mask by one to three points of accuracy, as an earlier record of other seeds suggests,
and behind it under attack and in attention by more than five.

The compute: 4 minutes for a seed on one core, 40 for ten, for each kind of scenes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from gradmask.lab.data.scenes import STANDARD
from gradmask.lab.experiments.comparison import Comparison
from gradmask.lab.experiments.comparisons.core import LIGHT
from gradmask.lab.experiments.images import StripedImages
from gradmask.lab.records import Row
from gradmask.lab.training.guidance import Mixture, augmentation
from gradmask.lab.training.variants import PLAIN, Variant

__all__ = ["BACKGROUNDS", "SCENES", "Augmented"]


@dataclass(frozen=True, kw_only=True)
class Augmented(Comparison):
    """Plain training with augmentations.

    Parameters
    ----------
    mixtures : tuple of (str, Mixture)
        By what records call them; all other parameters are those of
        :class:`gradmask.lab.experiments.comparison.Comparison`.
    """

    variants: tuple[Variant, ...] = (PLAIN,)
    mixtures: tuple[tuple[str, Mixture], ...] = (
        ("background anywhere", Mixture("background", side=STANDARD.object_size)),
        (
            "background by saliency",
            Mixture("background", "lateral", STANDARD.object_size),
        ),
        ("background by box", Mixture("background", "object", STANDARD.object_size)),
        ("cutmix", Mixture("cutmix")),
    )

    @property
    def parts(self) -> int:
        """One for each augmentation."""
        return len(self.mixtures)

    def part(self, number: int, seed: int, device: torch.device) -> list[Row]:
        """Train plainly with one augmentation, and measure."""
        name, mixture = self.mixtures[number]
        training, test = (images.to(device) for images in self.images.splits(seed))
        augment = augmentation(mixture, seed=seed)
        (plain,) = self.variants
        row = self._row(
            plain, self.epochs, training, test, seed, device, augment=augment
        )
        return [row | {"variant": name}]


SCENES = Augmented(
    name="augmented_scenes",
    question=f"Background replacement as a rival, on cluttered scenes.\n\n{__doc__}",
    seeds=range(5010, 5020),
    levels=LIGHT,
)

BACKGROUNDS = replace(
    SCENES,
    name="augmented_backgrounds",
    question=f"Background replacement as a rival, where they mislead.\n\n{__doc__}",
    images=StripedImages(agreement=0.8),
)
