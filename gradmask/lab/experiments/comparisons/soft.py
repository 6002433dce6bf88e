"""The mask that theory asks for, soft and steered, beside the one that chooses."""

from __future__ import annotations

from dataclasses import replace

from gradmask.lab.experiments.comparisons.benchmarks import CIFAR10, FASHION
from gradmask.lab.experiments.comparisons.core import CORE, LIGHT
from gradmask.lab.experiments.images import FashionImages, StripedImages
from gradmask.lab.training.loop import LEARNING_RATE
from gradmask.lab.training.smoothed import SmoothedOrder
from gradmask.lab.training.variants import MASKS, PLAIN, SOFT_MASKS, Phase, Variant

__all__ = ["TABLE"]

VARIANTS = (
    PLAIN,
    Variant("theory", MASKS["theory"]),
    Variant("soft", SOFT_MASKS["soft"]),
    Variant("soft", SOFT_MASKS["soft"], "random"),
    Variant("soft", SOFT_MASKS["soft"], "top-k"),
    Variant("steered", SOFT_MASKS["steered"]),
    Variant("both ways", SOFT_MASKS["both ways"]),
)

ON_BENCHMARKS = (
    Variant("soft", SOFT_MASKS["soft"]),
    Variant("steered", SOFT_MASKS["steered"]),
)

SCENES = replace(
    CORE,
    name="soft_scenes",
    question="""\
Weights instead of a choice, on 1,000 cluttered scenes, ten fresh seeds.

The question, put before any of these networks was trained: the mask from theory
chooses, and throws half of the gradient away where there is nothing to see. Theory asks
for weights that are one there. Do such weights cost nothing, and keep what the mask
from theory gains under attack and in attention? And do weights that are steered, as
strong at every convolution as their gradients agree with plain ones of other samples?

Beside them: the same weights at random places, and by energy alone; the mask from
theory itself; and the mask from theory switched off half-way, for in the model it does
harm below a critical strength of the signal, which falls as training converges.

The reading: paired differences with their 95 % intervals, of accuracy, accuracy after
pruning and under attack, and attention.

What we expect. A trial of one seed and ten epochs, not among these, had the weights six
points of accuracy below plain training, and the steered ones level with it. A network's
errors are alike at neighbouring positions whatever the image shows, so that shuffling
is too narrow a null and the weights are too sharp. So we expect the weights below plain
training in accuracy, at every place, and ahead of the mask from theory in attention;
the steered ones within a point of plain training in everything, for their strengths are
a few hundredths; free in both directions, the same; switched off half-way, the mask
from theory between itself and plain training.

The plan: the core's network, scenes and schedules, fewer images under attack.  Plain
training with shorter schedules was added after one seed (5000) had been seen, in which
every mask ended with a higher training loss than plain training and was ahead of it
under attack; so the seeds are others, and the masks are the same.

The compute: 14 minutes for a seed on one core, 2.3 hours for ten.
""",
    seeds=range(5010, 5020),
    variants=(
        *VARIANTS,
        Variant("until half-way", (Phase(0.5, MASKS["theory"]), Phase(1, None))),
    ),
    levels=LIGHT,
)

BACKGROUNDS = replace(
    SCENES,
    name="soft_backgrounds",
    question="""\
Weights instead of a choice, where backgrounds tell the class, and then mislead.

The question, the controls and the reading are those of ``soft_scenes``, put before any
of these networks was trained. Here the mask from theory gained most.

What we expect: in accuracy on misleading backgrounds the mask from theory ahead of
plain training, the weights ahead of both, and the steered ones level with plain
training: on the training images the stripes carry the class, so that a gradient that
follows them agrees with that of other samples, and what measures agreement cannot see
that it misleads.

The plan: the images of ``hunt_backgrounds`` and the settings of ``soft_scenes``.

The compute: 8 minutes for a seed on one core, 80 for ten.
""",
    images=StripedImages(agreement=0.8),
    variants=VARIANTS,
)

SMOOTHED = replace(
    BACKGROUNDS,
    name="smoothed_backgrounds",
    question="""\
Weights in the order of the smoothed energy, where backgrounds mislead.

The question, put before any of these networks was trained: where backgrounds mislead,
the soft mask is ahead of the same weights in the order of the error's energy. Its
kernel smooths, too, and no control did. Is it the comparison with a surround that
helps, or is it the smoothing?

The plan: the images, settings and seeds of ``soft_backgrounds``, with whose networks
these are compared, and the same weights in the order of the energy that a Gaussian of
the kernel's sigma has smoothed.

What we expect: stripes four pixels apart vanish under such a Gaussian, as they do under
the kernel. So we expect the smoothed order level with the soft mask in accuracy, and
ahead of the order by energy alone by more than ten points: the smoothing is most of it.

The compute: a minute and a quarter for a seed on one core, 13 for ten.
""",
    variants=(Variant("smoothed", SmoothedOrder.from_theory()),),
    schedules=(),
)

SCENES_STEPS = replace(
    SCENES,
    name="scenes_steps",
    question="""\
Plain training with longer steps, on ordinary scenes.

The question, put after ``backgrounds_steps`` and before any of these networks was
trained: on ordinary scenes the soft mask is twenty points ahead of plain training under
attack, and eleven after pruning.  How much of it is the length of its steps?

The plan: the images, settings and seeds of ``soft_scenes``, with whose networks these
are compared; plain training, its peak of the learning rate four times as high.

What we expect: ahead of plain training in accuracy by up to two points, and under
attack by up to five, fifteen behind the soft mask.

The compute: a minute for a seed on one core, 12 for ten.
""",
    variants=(Variant("plain, long steps", None),),
    schedules=(),
    learning_rate=4 * LEARNING_RATE,
)

BACKGROUNDS_STEPS = replace(
    SCENES_STEPS,
    name="backgrounds_steps",
    question="""\
Plain training with longer steps, where backgrounds mislead.

The question, put before any of these networks was trained: the weights of the soft mask
have mean one, but the largest lie where the error is largest, so that gradients become
longer, three to four times in a trial with one other seed.  Is it the length of the
step that makes it more accurate on misleading backgrounds?

The plan: the images, settings and seeds of ``soft_backgrounds``, with whose networks
these are compared; plain training, its peak of the learning rate four times as high.

What we expect: within five points of plain training, and at least ten below the soft
mask: top-k, whose gradients are longer still, is behind it, too.

The compute: a minute for a seed on one core, 12 for ten.
""",
    images=BACKGROUNDS.images,
)

FASHION_SUBSET = replace(
    SCENES,
    name="soft_fashion",
    question="""\
Weights instead of a choice, where the object fills the frame: Fashion-MNIST.

The question, the controls and the reading are those of ``soft_scenes``, put before any
of these networks was trained. The mask from theory costs accuracy here: do the weights?

What we expect: the weights cost as much as the mask from theory or more, and the
steered ones nothing.

The plan: the images and the schedule of ``cross_fashion``, 4,000 images for 8 epochs,
and the settings of ``soft_scenes``.

The compute: 9 minutes for a seed on one core, 45 for five.
""",
    seeds=range(5010, 5015),
    images=FashionImages(training=4000),
    variants=VARIANTS,
    epochs=8,
    schedules=(3, 4, 6),
)

FASHION_MNIST = replace(
    FASHION,
    name="soft_fashion_mnist",
    question="""\
Weights instead of a choice on the whole of Fashion-MNIST, with ResNet-20.

The question and the reading are those of ``soft_scenes``, the plan that of
``fashion_mnist``, whose plain networks of the same seeds these are compared with.

What we expect: what ``soft_fashion`` shows.

The compute: a GPU, as for ``fashion_mnist``.
""",
    variants=ON_BENCHMARKS,
    schedules=(),
)

CIFAR10_SOFT = replace(
    CIFAR10,
    name="soft_cifar10",
    question="""\
Weights instead of a choice on CIFAR-10, with ResNet-20.

The question and the reading are those of ``soft_scenes``, the plan that of ``cifar10``,
whose plain networks of the same seeds these are compared with.

What we expect: the weights several points below plain training, the steered ones level
with it.

The compute: a GPU, as for ``cifar10``.
""",
    seeds=range(3),
    variants=ON_BENCHMARKS,
    schedules=(),
)

TABLE = (
    SCENES,
    BACKGROUNDS,
    SMOOTHED,
    SCENES_STEPS,
    BACKGROUNDS_STEPS,
    FASHION_SUBSET,
    FASHION_MNIST,
    CIFAR10_SOFT,
)
