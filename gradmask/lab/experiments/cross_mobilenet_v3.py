"""The comparison on torchvision's MobileNetV3.

The question and the reading are those of :mod:`.core`, with the masks and rungs of
:data:`gradmask.lab.experiments.comparison.ELSEWHERE`. The scenes are magnified to 64
pixels.

The compute: a GPU, twice what :mod:`.cross_resnet18` takes: its convolutions are small,
but many.
"""

from gradmask.lab.experiments.comparison import run, torchvision_profiles

__all__ = ["PROFILES", "run"]

PROFILES = torchvision_profiles("mobilenet_v3_large")
