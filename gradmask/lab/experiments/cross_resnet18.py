"""The comparison on torchvision's ResNet-18.

The question and the reading are those of :mod:`.core`, with the masks and rungs of
:data:`gradmask.lab.experiments.comparison.ELSEWHERE`. The scenes are magnified to 64
pixels.

The compute: six minutes for five seeds side by side on an H200, with eleven other runs
beside them.
"""

from gradmask.lab.experiments.comparison import run, torchvision_profiles

__all__ = ["PROFILES", "run"]

PROFILES = torchvision_profiles("resnet18")
