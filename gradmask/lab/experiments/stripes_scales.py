r"""Which kernels are blind to which stripes: the mask at other scales, by width.

Put after the first seed of :mod:`.stripes` and before any of these runs.  There the
mask's lead did not shrink with wider stripes, as we had foretold, but grew.  We had
misjudged what the kernel sees: to stripes :math:`\ell` apart it responds by

.. math:: h = \frac{u^2}{2} \exp\Big(1 - \frac{u^2}{2}\Big),
          \qquad u = 2 \pi \sigma / \ell,

as a share of its largest response (Marr and Hildreth 1980).  With sigma a quarter of
the map that is 0.1 for stripes of half the map, and nothing for narrower ones: it is
blind to all that were tried.  If blindness is the reason, then an eighth sees stripes
of half the map (h = 0.98) but not those of a quarter (0.1), and a sixteenth sees those
of a quarter (0.98) and of a half (0.6) but not those of an eighth (0.1): where it sees
them, the lead over plain training is lost.

The plan: the seeds, scenes and controls of :mod:`.stripes`, whose record holds plain
training and a quarter of the map.

The compute: 4 minutes for a seed on one core, 20 minutes for five.

References
----------
Marr and Hildreth, *Theory of edge detection*, Proceedings of the Royal Society B, 1980.
"""

from __future__ import annotations

from dataclasses import replace

from gradmask.lab.experiments import stripes
from gradmask.lab.training.variants import MASKS, Variant

__all__ = ["EXPERIMENT"]

SCALES = tuple(
    Variant(f"sigma 1/{share}", replace(MASKS["theory"], sigma=1 / share))
    for share in (8, 16)
)

EXPERIMENT = replace(
    stripes.EXPERIMENT,
    name="stripes_scales",
    question=__doc__,
    settings=tuple(
        replace(setting, variants=SCALES)
        for setting in stripes.EXPERIMENT.settings
        if setting.family == "resnet" and setting.agreement == 0.8
    ),
)
