"""The comparison on another family: VGG-like, with a flattened head.

The question, the plan and the reading are those of :mod:`.core`; the
premise, error brighter on the object, holds earlier and deeper in this family.

The compute: 16 minutes for a seed on one core, 1.3 hours for five.
"""

from gradmask.lab.trial import profiles, run

__all__ = ["PROFILES", "run"]

PROFILES = profiles(family="vgg")
