"""CIFAR-10 with Jordan's network, which two cores train: masks, readings, steps."""

from __future__ import annotations

from dataclasses import replace

from gradmask.lab.experiments.comparisons.benchmarks import (
    CIFAR10,
    FOUR_WAYS,
    OTHER_READINGS,
)
from gradmask.lab.training.readings import SubtractiveInhibition
from gradmask.lab.training.variants import (
    PLAIN,
    SOFT_MASKS,
    Variant,
    with_controls,
)

__all__ = ["AIRBENCH", "TABLE"]

AIRBENCH = replace(
    CIFAR10,
    name="cifar10_airbench",
    question="""\
The paper's claims on CIFAR-10, with Jordan's network, in six epochs.

The question, put before any of these networks was trained: does training with lateral
inhibition beat plain training in accuracy, after pruning and under attack, on the
benchmark that everybody knows?  ``cifar10`` asks it of ResNet-20 and takes a GPU; this
network trains on two cores.  Compared are plain training, the literal mask (5x5, at
every activation, the masked error flows on), the mask from theory and the soft mask.

The reading: paired differences over three seeds with their 95 % intervals.  Three seeds
make wide intervals (Student's factor is 4.3), so that only large effects can show.
Plain training with two shorter schedules, each run to its end, tells what less fitting
does alone.

What we expect: every mask below plain training in accuracy; the literal mask by more
than five points, the mask from theory and the soft one by two to eight.  A pilot (one
seed of another small network) had the mask from theory eight points below, and on
Fashion-MNIST all masks are below.  After pruning and under attack no mask ahead of
plain training at its own training loss.

The plan: six epochs of one cycle, batches of 256, SGD with Nesterov momentum, weight
decay 5e-4, flips and crops of up to two pixels, the peak that ``recipe_airbench`` chose
with plain training alone.  All 50,000 training images, lossless; the test images are
looked at once, after the training.

The compute: an hour for a seed, on a core that multiplies bfloat16; else three.
""",
    seeds=range(3),
    variants=FOUR_WAYS,
    network="airbench",
    epochs=6,
    schedules=(1, 3),
    batch_size=256,
    learning_rate=0.4,
    padding=2,
    levels=replace(CIFAR10.levels, tuned=(), attacked=500),
)

SHORTER = replace(
    AIRBENCH,
    name="cifar10_airbench_shorter",
    question="""\
Plain training with two epochs, for a comparison at equal training loss on CIFAR-10.

The question, put after the first seed of ``cifar10_airbench``: there the mask from
theory ended at a training loss of 0.41, between plain training's 1.10 after one epoch
and 0.34 after three.  A straight line from the one to the other lies below a curve that
bends, which flatters the mask; a point between them mends that.

What we expect: at its own training loss the mask from theory within a point of plain
training in accuracy.

The plan and the settings are those of ``cifar10_airbench``.

The compute: six minutes for a seed, on a core that multiplies bfloat16.
""",
    variants=(PLAIN,),
    epochs=2,
    schedules=(),
)

CONTROLS = replace(
    AIRBENCH,
    name="cifar10_airbench_controls",
    question="""\
As many positions at random and the largest, on CIFAR-10 with Jordan's network.

The question, put before any of these networks was trained: if the mask from theory
changes what ``cifar10_airbench`` measures, is it the comparison with a surround that
does it, or would any choice of as many positions?

The reading is that of ``cifar10_airbench``, with whose networks of the same seeds these
are compared.

What we expect: the mask from theory below as many positions at random, for on natural
images a large error is no sign of the object; the largest errors below both.

The plan and the settings are those of ``cifar10_airbench``.

The compute: half an hour for a seed, on a core that multiplies bfloat16.
""",
    variants=with_controls("theory")[2:],
    schedules=(),
)

READINGS = replace(
    AIRBENCH,
    name="cifar10_airbench_readings",
    question="""\
Other readings of the abstract, on CIFAR-10 with Jordan's network.

The question, put before any of these networks was trained, and after those of
``cifar10_airbench``: there every mask lost accuracy.  Is that so of our readings alone?
The two others are those of ``cifar10_readings``: a blur that keeps what is above its
mean, and subtractive inhibition, which drops nothing (beta = 0.5, fixed beforehand).

The reading is that of ``cifar10_airbench``, with whose networks of the same seeds these
are compared.

What we expect: the blur three to eight points below plain training, for the literal
mask, its nearest relative, lost one and a half, and the pilot's blur nine; subtractive
inhibition within a point.  Neither ahead of plain training at its own training loss,
after pruning or under attack.

The plan and the settings are those of ``cifar10_airbench``.

The compute: half an hour for a seed, on a core that multiplies bfloat16.
""",
    variants=OTHER_READINGS,
    schedules=(),
)

SHORT_STEPS = replace(
    AIRBENCH,
    name="cifar10_airbench_steps",
    question="""\
The soft mask with a fifth of the learning rate, on CIFAR-10 with Jordan's network.

The question, put before any of these networks was trained, and after those of
``cifar10_airbench``: there the soft mask lost twenty points.  Its weights have mean
one, but the largest lie where the error is largest, so that a gradient becomes longer:
four to eight times, in a trial with one other seed.  All ways were trained with the
rate that is best for plain training.  How much of the twenty points is the length of
the step?

The reading is that of ``cifar10_airbench``, with whose networks of the same seeds these
are compared.

What we expect: most of it.  Between the soft mask and plain training, two to six points
below the latter in accuracy.

The plan and the settings are those of ``cifar10_airbench``, the peak aside: 0.08,
fixed by that length alone.

The compute: twenty minutes for a seed, on a core that multiplies bfloat16.
""",
    variants=(Variant("soft, short steps", SOFT_MASKS["soft"]),),
    schedules=(),
    learning_rate=0.08,
)

LENGTH_KEPT = replace(
    AIRBENCH,
    name="cifar10_airbench_length",
    question="""\
Subtractive inhibition that keeps an error's length, on CIFAR-10 with Jordan's network.

The question, put after the first seed of ``cifar10_airbench_readings`` and before any
of these networks was trained: there subtractive inhibition lost five points of accuracy
and was seven points ahead under attack.  Its weights of mean one lengthen the error at
every activation that it passes, in a trial with one other seed until the first layers'
gradients were forty to two hundred times as long.  Is it the inhibition that makes the
network robust, or the length of these steps?

The reading is that of ``cifar10_airbench``, with whose networks of the same seeds these
are compared, and with those of ``cifar10_airbench_readings``.

What we expect: the length.  With weights that keep it, within two points of plain
training in accuracy and under attack.

The plan and the settings are those of ``cifar10_airbench``.

The compute: a quarter of an hour for a seed, on a core that multiplies bfloat16.
""",
    variants=(
        Variant(
            "subtractive, length kept",
            SubtractiveInhibition(1.0, size=5, keeps_length=True),
        ),
    ),
    schedules=(),
)

CONFIRM = replace(
    AIRBENCH,
    name="cifar10_airbench_confirm",
    question="""\
Every mask once more on CIFAR-10, with ten fresh seeds.

The question, put before any of these networks was trained: three seeds, in records of
their own, showed every mask below plain training in accuracy, and left most other
differences open.  Do ten seeds that nothing else draws, all ways to train among them,
say the same?

The reading: paired differences with their 95 % intervals, and what Holm's correction
leaves of them.  Plain training with three shorter schedules gives the comparison at
equal training loss.

What we expect, minus plain training.  In accuracy: the literal mask one to two points
below, the mask from theory four to seven, as many positions at random two to four, the
largest two to five, the soft mask eighteen to twenty-three, its steered form within
three, the blur one to two, subtractive inhibition four to nine, and half a point to two
where it keeps an error's length.  Under attack the mask from theory up to four points
ahead, subtractive inhibition two to eight, the soft mask five to fourteen below.  At
equal training loss no mask ahead in accuracy or under attack.

The plan and the settings are those of ``cifar10_airbench``; after pruning nine tenths
of the weights, the rest is also trained for an epoch.

The compute: a GPU, a minute for a seed; trainings run side by side (``--jobs``).
""",
    seeds=range(100, 110),
    variants=(
        *AIRBENCH.variants,
        *with_controls("theory")[2:],
        Variant("steered", SOFT_MASKS["steered"]),
        *OTHER_READINGS,
        *LENGTH_KEPT.variants,
    ),
    schedules=(1, 2, 3),
    levels=replace(CIFAR10.levels, attacked=500),
)

CONFIRM_STEPS = replace(
    CONFIRM,
    name="cifar10_airbench_confirm_steps",
    question="""\
The soft mask with a fifth of the learning rate once more, with ten fresh seeds.

The question, put before any of these networks was trained, is that of
``cifar10_airbench_steps``; these are compared with the networks of
``cifar10_airbench_confirm`` of the same seeds.

What we expect: ten to fifteen points below plain training in accuracy.

The plan and the settings are those of ``cifar10_airbench_confirm``, the peak aside:
0.08.

The compute: a GPU, some seconds for a seed.
""",
    variants=SHORT_STEPS.variants,
    schedules=(),
    learning_rate=SHORT_STEPS.learning_rate,
)

TABLE = (
    AIRBENCH,
    SHORTER,
    CONTROLS,
    READINGS,
    SHORT_STEPS,
    LENGTH_KEPT,
    CONFIRM,
    CONFIRM_STEPS,
)
