"""The comparison on torchvision's VGG-16.

The question and the reading are those of :mod:`.core`, with the masks and rungs of
:data:`gradmask.lab.experiments.comparison.ELSEWHERE`. The scenes are magnified to 64
pixels.

The compute: a GPU with tens of gigabytes free: a sample's gradients take half of one.
"""

from gradmask.lab.experiments.comparison import run, torchvision_profiles

__all__ = ["PROFILES", "run"]

PROFILES = torchvision_profiles("vgg16_bn", samples=8)
