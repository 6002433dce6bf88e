"""The comparison on other networks, and where in them a mask acts."""

from __future__ import annotations

from dataclasses import replace

from gradmask.lab.experiments.comparisons.core import CORE
from gradmask.lab.experiments.levels import Levels
from gradmask.lab.training.ablated import ablated
from gradmask.lab.training.variants import MASKS, PLAIN, Variant, with_controls

__all__ = ["ELSEWHERE", "TABLE"]

SIGNAL = MASKS["signal"]

ELSEWHERE = replace(
    CORE,
    seeds=range(5),
    variants=(*with_controls("theory"), Variant("signal", SIGNAL)),
    schedules=(10, 16, 23),
)
"""What ``core`` leaves to ask of other networks and other data.

Both routes, and the controls of the one that did best there; three rungs, so that five
seeds cost what two would.
"""

CROSS_CNN = replace(
    ELSEWHERE,
    name="cross_cnn",
    question="""\
The comparison on another family: a plain CNN without normalisation.

The question and the reading are those of ``core``, with the masks and rungs of
`ELSEWHERE`. The learning rate is the one that
``learning_rate`` chose on validation images, of those at which every variant learns
the best for plain training; no projection takes place, since nothing is normalised.

The compute: 5 minutes for a seed on one core, 25 for five.
""",
    network="cnn",
    learning_rate=0.02,
)

CROSS_VGG = replace(
    ELSEWHERE,
    name="cross_vgg",
    question="""\
The comparison on another family: VGG-like, with a flattened head.

The question and the reading are those of ``core``, with the masks and rungs of
`ELSEWHERE`; the premise, error brighter on
the object, holds earlier and deeper in this family.

The compute: 7 minutes for a seed on one core, 35 for five.
""",
    network="vgg",
)

CROSS_MOBILENET = replace(
    ELSEWHERE,
    name="cross_mobilenet",
    question="""\
The comparison on another family: MobileNet-like, depthwise convolutions.

The question and the reading are those of ``core``, with the masks and rungs of
`ELSEWHERE`; the weights route masks depthwise
convolutions by the same formula.

The compute: 7 minutes for a seed on one core, 35 for five.
""",
    network="mobilenet",
)

CROSS_RESNET18 = replace(
    ELSEWHERE,
    name="cross_resnet18",
    question="""\
The comparison on torchvision's ResNet-18.

The question and the reading are those of ``core``, with the masks and rungs of
`ELSEWHERE`. The scenes are magnified to 64
pixels.

The compute: six minutes for five seeds side by side on an H200, with eleven other runs
beside them.
""",
    network="resnet18",
    levels=Levels(attack_batch=250),
)

CROSS_RESNET50 = replace(
    CROSS_RESNET18,
    name="cross_resnet50",
    question="""\
The comparison on torchvision's ResNet-50.

The question and the reading are those of ``core``, with the masks and rungs of
`ELSEWHERE`. The scenes are magnified to 64
pixels.

The compute: a GPU, twice what ``cross_resnet18`` takes.
""",
    network="resnet50",
)

CROSS_VGG16 = replace(
    CROSS_RESNET18,
    name="cross_vgg16",
    question="""\
The comparison on torchvision's VGG-16.

The question and the reading are those of ``core``, with the masks and rungs of
`ELSEWHERE`. The scenes are magnified to 64
pixels.

The compute: a GPU with tens of gigabytes free: a sample's gradients take half of one.
""",
    network="vgg16_bn",
)

CROSS_MOBILENET_V3 = replace(
    CROSS_RESNET18,
    name="cross_mobilenet_v3",
    question="""\
The comparison on torchvision's MobileNetV3.

The question and the reading are those of ``core``, with the masks and rungs of
`ELSEWHERE`. The scenes are magnified to 64
pixels.

The compute: a GPU, twice what ``cross_resnet18`` takes: its convolutions are small,
but many.
""",
    network="mobilenet_v3_large",
)

MOBILENET_SIGNAL = replace(
    CROSS_MOBILENET,
    name="mobilenet_signal",
    question="""\
The one place where the literal mask helped: the MobileNet, on fresh seeds.

The question, put before any of these seeds ran: in ``cross_mobilenet`` the literal
mask, 5x5 on the signal route, was ahead of plain training under attack, stopped early
or not, in one family of four.  Does that hold on seeds that did not suggest it, and is
it lateral inhibition, or would as many positions do the same at random or by loudness?

The reading: robustness under attack decides, in four paired differences, to plain
training, stopped early, random and top-k.  The mask is the cause if all four exclude
zero.

What we expect: that it holds beside plain training, that chance does harm, and that the
loudest positions do as well as the mask, since that is so in every other comparison
away from the core.

The plan: the family, scenes, schedules and measurements of ``cross_mobilenet``;
eight seeds that no other experiment draws.

The compute: 5 minutes for a seed on one core, 40 for eight.
""",
    seeds=range(3000, 3008),
    variants=with_controls("signal"),
)

BRANCHES = ablated(SIGNAL, sites=r".*body\.1")

TRUNK_RESNET = replace(
    CORE,
    name="trunk_resnet",
    question="""\
Where the literal mask does harm: the ResNet, masked in its branches or its trunk.

The question, put before any of these seeds ran: why does the literal mask, 5x5 at every
activation, help the MobileNet under attack and no other family?  A guess: where its
activations stand.  A residual network's error reaches the early layers by its trunk,
past the branches.  The ResNet's activations stand on both, so that an error is masked
once more at every block that it passes; the MobileNet's stand in the branches (the
first of all apart, which has one convolution below it), and where a block keeps its
map's size the trunk hands on the plain error.

The reading: robustness under attack.  The guess stands if the mask in the branches
alone is ahead of the same mask in the trunk alone, and of the mask at both, with
intervals that exclude zero; ``trunk_mobilenet`` asks the reverse.  Whether the mask
in the branches also helps, beside plain training and the loudest positions there, is
told as well, and decides nothing.

What we expect: that it stands.

The plan: the scenes, schedule and measurements of ``core``, without its ladder; six
seeds that no other experiment draws.

The compute: 12 minutes for a seed on one core.
""",
    seeds=range(4000, 4006),
    variants=(
        PLAIN,
        Variant("signal", SIGNAL),
        Variant("branches", BRANCHES),
        Variant("branches", BRANCHES, "top-k"),
        Variant("trunk", ablated(SIGNAL, sites=r"2|.*activation")),
    ),
    schedules=(),
)

TRUNK_MOBILENET = replace(
    TRUNK_RESNET,
    name="trunk_mobilenet",
    question="""\
Where the literal mask helps: the MobileNet, masked in its trunk as well.

The other half of ``trunk_resnet``, with its guess and its plan: masked after every
block, too, the MobileNet hands no plain error on.

The reading: robustness under attack.  The guess stands if the mask in the branches, as
it is, is ahead of the mask in branches and trunk, with an interval that excludes zero.

What we expect: that it stands, and that the mask in branches and trunk is no longer
ahead of plain training.

The compute: 5 minutes for a seed on one core.
""",
    network="mobilenet",
    variants=(
        PLAIN,
        Variant("signal", SIGNAL),
        Variant("trunk too", ablated(SIGNAL, sites=r"[2-8]|.*body\.[13]")),
    ),
)

TABLE = (
    CROSS_CNN,
    CROSS_VGG,
    CROSS_MOBILENET,
    CROSS_RESNET18,
    CROSS_RESNET50,
    CROSS_VGG16,
    CROSS_MOBILENET_V3,
    MOBILENET_SIGNAL,
    TRUNK_RESNET,
    TRUNK_MOBILENET,
)
