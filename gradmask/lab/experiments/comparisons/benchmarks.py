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

__all__ = ["CIFAR10", "FOUR_WAYS", "IMAGENETTE", "OTHER_READINGS", "TABLE"]

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
``recipe_cifar10`` chose with plain training alone.  All 50,000 training images,
lossless; the test images are looked at once, after the training.  Nothing is run unless
``recipe_cifar10_lossless`` reaches its bar.

The compute: a GPU, two minutes for a seed; trainings run side by side (``--jobs``).
""",
    images=BenchmarkImages(name="cifar10", training=50_000, test=10_000),
    variants=(*with_controls("theory"), Variant("signal", MASKS["signal"])),
    epochs=30,
    schedules=(5, 10, 18),
    learning_rate=0.2,
)

OTHER_READINGS = (
    Variant("blur", BlurMask(1.0, size=5)),
    Variant("subtractive", SubtractiveInhibition(1.0, size=5)),
)

FOUR_WAYS = (
    PLAIN,
    Variant("signal", MASKS["signal"]),
    Variant("theory", MASKS["theory"]),
    Variant("soft", SOFT_MASKS["soft"]),
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
    variants=OTHER_READINGS,
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
peak rate that ``recipe_imagenette`` chooses, and three seeds.  Compared are plain
training, also with two shorter schedules, the literal mask, the mask from theory and
the soft mask.

What we expect: in accuracy the literal mask two to eight points below plain training,
the mask from theory three to eight, the soft mask ten to thirty.  These photographs
have more background than CIFAR's images; if they behaved like the laboratory's scenes,
the mask from theory and the soft mask would be ahead under attack and on corrupted
images, and we expect that of neither.

The compute: a GPU, two minutes for a seed.
""",
    seeds=range(3),
    variants=FOUR_WAYS,
    images=BenchmarkImages(name="imagenette", training=9_469, test=3_925),
    network="resnet18_rgb",
    epochs=20,
    schedules=(4, 10),
    learning_rate=0.05,
    padding=16,
    levels=replace(CIFAR10.levels, attack_batch=250),
)

VGG16 = replace(
    CIFAR10,
    name="cifar10_vgg16",
    question="""\
The paper's claims on CIFAR-10 with VGG-16.

The question, the reading and the plan are those of ``cifar10``, with the peak rate that
``recipe_vgg16`` chooses, and three seeds.  Compared are plain training, also with two
shorter schedules, the literal mask, the mask from theory and the soft mask.

What we expect: every mask below plain training in accuracy, the literal one by one to
four points, the mask from theory by two to eight, the soft one by more than ten.

The compute: a GPU, three minutes for a seed.
""",
    seeds=range(3),
    variants=FOUR_WAYS,
    schedules=(5, 15),
    network="vgg16",
    learning_rate=0.1,
)

MOBILENET_V2 = replace(
    CIFAR10,
    name="cifar10_mobilenet_v2",
    question="""\
The paper's claims on CIFAR-10 with MobileNetV2.

The question, the reading and the plan are those of ``cifar10_vgg16``, with the peak
rate that ``recipe_mobilenet_v2`` chooses.  In the laboratory's scenes this family was
the only one in which the literal mask helped.

What we expect: what ``cifar10_vgg16`` shows, with the literal mask nearer to plain
training.

The compute: a GPU, ten minutes for a seed.
""",
    seeds=range(3),
    variants=FOUR_WAYS,
    schedules=(5, 15),
    network="mobilenet_v2",
)

TABLE = (
    CIFAR10,
    READINGS,
    FASHION,
    IMAGENETTE,
    VGG16,
    MOBILENET_V2,
)
