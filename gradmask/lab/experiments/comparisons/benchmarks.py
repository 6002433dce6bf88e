"""The comparison where everybody can judge it: standard benchmarks, known networks."""

from __future__ import annotations

from dataclasses import replace

from gradmask.lab.experiments.benchmark import BenchmarkComparison
from gradmask.lab.experiments.images import BenchmarkImages
from gradmask.lab.training.readings import BlurMask, SubtractiveInhibition
from gradmask.lab.training.variants import (
    MASKS,
    PLAIN,
    SOFT_MASKS,
    Variant,
    with_controls,
)

__all__ = ["AIRBENCH", "CIFAR10", "TABLE"]

SIGNAL = MASKS["signal"]

CIFAR10 = BenchmarkComparison(
    name="cifar10",
    question="""\
The paper's claims on CIFAR-10, with ResNet-20, at the accuracy known of it.

The question, put before any of these networks was trained: does training with lateral
inhibition beat plain training in accuracy, after pruning and under attack, on the
benchmark and with the network that everybody knows?  Compared are the mask from theory,
the literal mask (5x5, at every activation, the masked error flows on), and beside the
mask from theory as many positions at random and the loudest.

The reading: paired differences over five seeds with their 95 % intervals, and beside
them the level that Holm's correction leaves for the number of claims.  Plain training
with three shorter schedules, each run to its end, tells what less fitting does alone: a
mask is also compared with plain training at the mask's own training loss.

What we expect: that the claims fail here.  A pilot (one seed of another small network,
eight epochs) had the mask from theory eight points below plain training, and below as
many positions at random, for on natural images a loud error is no sign of the object.
Under attack we expect the mask from theory below plain training, and after pruning no
better.

The plan: ResNet-20 as He et al. (2016) build it, 30 epochs of one cycle, SGD with
Nesterov momentum, weight decay 5e-4, crops and flips, the peak rate that
``recipe_cifar10`` chose with plain training alone.  All 50,000 training images; the
test images are looked at once, after the training.

The compute: a GPU, two minutes for a seed; trainings run side by side (``--jobs``).
""",
    images=BenchmarkImages(name="cifar10", training=50_000, test=10_000),
    variants=(*with_controls("theory"), Variant("signal", SIGNAL)),
    epochs=30,
    schedules=(5, 10, 18),
    learning_rate=0.2,
)

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
    variants=(
        PLAIN,
        Variant("signal", SIGNAL),
        Variant("theory", MASKS["theory"]),
        Variant("soft", SOFT_MASKS["soft"]),
    ),
    network="airbench",
    epochs=6,
    schedules=(1, 3),
    batch_size=256,
    learning_rate=0.4,
    padding=2,
    levels=replace(CIFAR10.levels, tuned=(), attacked=500),
)

AIRBENCH_SHORTER = replace(
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

AIRBENCH_CONTROLS = replace(
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

OTHERS = (
    Variant("blur", BlurMask(1.0, size=5)),
    Variant("subtractive", SubtractiveInhibition(1.0, size=5)),
)

AIRBENCH_STEPS = replace(
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

AIRBENCH_LENGTH = replace(
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

READINGS = replace(
    CIFAR10,
    name="cifar10_readings",
    question="""\
Other readings of the abstract, which gives no formula, on CIFAR-10.

The question, put before any of these networks was trained: is the verdict of
``cifar10`` one on our reading alone?  Two more readings, as plain as ours: the
companion code's own kernel, a blur, keeping what is louder than the mean once blurred;
and subtractive inhibition, which drops nothing and weakens an error by half of its
surround's (beta = 0.5, fixed beforehand).

The reading is that of ``cifar10``, whose plain networks of the same seeds they are
compared with.

What we expect: the blur below plain training, by several points; subtractive
inhibition within a point of it, for it changes the error least.

The plan and the settings are those of ``cifar10``; three seeds, no ladder.

The compute: a GPU, a minute and a half for a seed.
""",
    seeds=range(3),
    variants=OTHERS,
    schedules=(),
)

AIRBENCH_READINGS = replace(
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
    variants=OTHERS,
    schedules=(),
)

AIRBENCH_STEERED = replace(
    AIRBENCH,
    name="cifar10_airbench_steered",
    question="""\
The steered soft mask, on CIFAR-10 with Jordan's network.

The question, put before any of these networks was trained, and after those of
``cifar10_airbench``: there the soft mask, at full strength in every layer, lost twenty
points.  Do the same weights harm as little here as elsewhere once each layer's strength
follows from how its gradients agree with plain ones?

The reading is that of ``cifar10_airbench``, with whose networks of the same seeds these
are compared.

What we expect: within three points of plain training in accuracy, below it, and no
clear difference after pruning and under attack: the strengths fall, but every twentieth
step they are measured in one batch, where agreement does not show all of the bias.

The plan and the settings are those of ``cifar10_airbench``.

The compute: twenty minutes for a seed, on a core that multiplies bfloat16.
""",
    variants=(Variant("steered", SOFT_MASKS["steered"]),),
    schedules=(),
)

FASHION = replace(
    CIFAR10,
    name="fashion_mnist",
    question="""\
The paper's claims on the whole of Fashion-MNIST, with ResNet-20.

The question, the reading and the plan are those of ``cifar10``, with the peak rate of
``recipe_fashion``, at batches of 512.  The images are grey, centred and without a
background.

What we expect: what ``cifar10`` shows, smaller, since less is left to gain or lose.

The compute: as for ``cifar10``.
""",
    images=BenchmarkImages(name="fashion_mnist", training=60_000, test=10_000),
    batch_size=512,
    learning_rate=0.4,
)

IMAGENETTE = replace(
    CIFAR10,
    name="imagenette",
    question="""\
The paper's claims on photographs of 128x128 pixels: Imagenette, with ResNet-18.

The question, the reading and the plan are those of ``cifar10``, with 20 epochs, the
peak rate of ``recipe_imagenette`` and three seeds.

What we expect: what ``cifar10`` shows.  If photographs with more background than
CIFAR's behave like the laboratory's scenes, the mask from theory is ahead of chance
here, and it was not there.

The compute: a GPU, ten minutes for a seed.
""",
    seeds=range(3),
    images=BenchmarkImages(name="imagenette", training=9_469, test=3_925),
    network="resnet18_rgb",
    epochs=20,
    schedules=(4, 8, 13),
    learning_rate=0.1,
    padding=16,
    levels=replace(CIFAR10.levels, attack_batch=250),
)

VGG16 = replace(
    CIFAR10,
    name="cifar10_vgg16",
    question="""\
The paper's claims on CIFAR-10 with VGG-16.

The question, the reading and the plan are those of ``cifar10``, with the peak rate of
``recipe_vgg16`` and three seeds.

What we expect: what ``cifar10`` shows.

The compute: a GPU, ten minutes for a seed.
""",
    seeds=range(3),
    network="vgg16",
    learning_rate=0.1,
)

MOBILENET_V2 = replace(
    CIFAR10,
    name="cifar10_mobilenet_v2",
    question="""\
The paper's claims on CIFAR-10 with MobileNetV2.

The question, the reading and the plan are those of ``cifar10``, with the peak rate of
``recipe_mobilenet_v2`` and three seeds.  In the laboratory's scenes this family was the
only one in which the literal mask helped.

What we expect: what ``cifar10`` shows, with the literal mask nearer to plain training.

The compute: a GPU, ten minutes for a seed.
""",
    seeds=range(3),
    network="mobilenet_v2",
)

TABLE = (
    CIFAR10,
    AIRBENCH,
    AIRBENCH_SHORTER,
    AIRBENCH_CONTROLS,
    AIRBENCH_READINGS,
    AIRBENCH_STEERED,
    AIRBENCH_STEPS,
    AIRBENCH_LENGTH,
    READINGS,
    FASHION,
    IMAGENETTE,
    VGG16,
    MOBILENET_V2,
)
