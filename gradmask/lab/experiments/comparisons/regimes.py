"""The comparison on other images: where a mask might gain more, or has less to do."""

from __future__ import annotations

from dataclasses import replace

from gradmask.lab.data.scenes import Clutter
from gradmask.lab.experiments.comparisons.core import CORE, LIGHT
from gradmask.lab.experiments.comparisons.networks import ELSEWHERE
from gradmask.lab.experiments.images import FashionImages, SceneImages, StripedImages
from gradmask.lab.training.variants import with_controls

__all__ = ["TABLE"]

CROSS_SCENES = replace(
    ELSEWHERE,
    name="cross_scenes",
    question="""\
The comparison with more scenes, 4,000, where less is overfitted.

The question and the reading are those of ``core``, with the masks of
`ELSEWHERE`; 8 epochs are as many steps as 32
of the core.

The compute: 10 minutes for a seed on one core, 50 for five.
""",
    images=SceneImages(training=4000),
    epochs=8,
    schedules=(3, 4, 6),
)

CROSS_FASHION = replace(
    CROSS_SCENES,
    name="cross_fashion",
    question="""\
The comparison where the object fills the frame: Fashion-MNIST itself.

The question and the reading are those of ``core``, with the masks of
`ELSEWHERE`; with little background there is
little for a mask to silence. 4,000 images for 8 epochs are as many steps as 1,000 for
32.

The compute: 10 minutes for a seed on one core, 50 for five.
""",
    images=FashionImages(training=4000),
)

HUNT_BACKGROUNDS = replace(
    CORE,
    name="hunt_backgrounds",
    question="""\
Where inhibition might pay: backgrounds that tell the class, and then mislead.

The question, the controls and the reading are those of ``core``.  In four training
scenes of five stripes behind the object tell its class; in validation and test they
always tell another.  A mask that holds the gradient to the object would learn less of
the stripes.  Against it speaks that energy gathers wherever the label can be read.

The compute: 8 minutes for a seed on one core, 40 minutes for five.
""",
    seeds=range(5),
    images=StripedImages(agreement=0.8),
    variants=with_controls("theory"),
    schedules=(7, 14, 22),
    levels=LIGHT,
)

HUNT_LABEL_NOISE = replace(
    HUNT_BACKGROUNDS,
    name="hunt_label_noise",
    question="""\
Where theory predicts a gain: labels of which a third are drawn at random.

The question, the plan and the reading are those of ``core``.  A wrong label's error
is loud and shared with nobody: gradient noise that plain training comes to memorise.

The compute: 8 minutes for a seed on one core, 40 minutes for five.
""",
    images=SceneImages(label_noise=0.33),
    schedules=(4, 7, 10, 14, 18, 22, 26),
)

HUNT_SMALL_BATCHES = replace(
    HUNT_BACKGROUNDS,
    name="hunt_small_batches",
    question="""\
Where theory predicts a gain: training that the gradient's noise limits.

The question, the plan and the reading are those of ``core``.  With batches of eight
and few passes over many scenes nothing is overfitted, and what limits training is the
noise of the gradient, which is what a mask is to remove.

The compute: 11 minutes for a seed on one core, 1 hour for five.
""",
    images=SceneImages(training=8000),
    batch_size=8,
    epochs=4,
    schedules=(1, 2, 3),
)

HUNT_SMALL_OBJECTS = replace(
    HUNT_BACKGROUNDS,
    name="hunt_small_objects",
    question="""\
Where theory predicts a gain: small objects in large noisy scenes.

The question, the plan and the reading are those of ``core``.  Here the object takes
a twelfth of the map or less, so that a perfect mask could gain most, and the error has
much background to be noisy on.

The compute: maps of 40x40, 10 minutes for a seed on one core, 50 minutes for five.
""",
    images=SceneImages(
        training=2000,
        clutter=Clutter(size=40, object_size=14, patches=10, patch_size=6, noise=0.2),
    ),
    epochs=20,
    schedules=(8, 11, 14, 17),
)

TABLE = (
    CROSS_SCENES,
    CROSS_FASHION,
    HUNT_BACKGROUNDS,
    HUNT_LABEL_NOISE,
    HUNT_SMALL_BATCHES,
    HUNT_SMALL_OBJECTS,
)
