"""The comparison that all others vary, and what was asked of the same scenes later."""

from __future__ import annotations

from dataclasses import replace

from gradmask import GradientMask
from gradmask.lab.experiments.comparison import Comparison
from gradmask.lab.experiments.levels import Levels
from gradmask.lab.training.ablated import ablated
from gradmask.lab.training.variants import (
    MASKS,
    PLAIN,
    Phase,
    Variant,
    with_controls,
)

__all__ = ["CORE", "LIGHT", "TABLE"]

SIGNAL, THEORY = MASKS["signal"], MASKS["theory"]

LIGHT = Levels(attacked=300, severities=(3,))
"""Fewer images under attack, and one severity of the corruptions."""

CORE = Comparison(
    name="core",
    question="""\
Every variant on 1,000 cluttered scenes, the small ResNet, ten seeds.

The question: does training with lateral inhibition beat plain training, the controls
that drop as much without it, and plain training stopped at the same training loss, in
accuracy, after pruning, under attack, and in its attention to the object?

The plan: 30 epochs, which plain training fits to 100 %, and plain training with shorter
schedules, the rungs of :mod:`gradmask.lab.reports.schedules`. A network is trained once
and measured for every chapter. Settings are equal for all variants, and none is chosen
by these numbers.

The compute: a plain run takes about 28 s on one core, a masked one 35 to 55 s, the
ladder a minute, measuring a network half a minute: 16 minutes for a seed, 2.7 hours for
ten.
""",
    seeds=range(10),
    variants=(
        *with_controls("signal", "weights", "theory"),
        Variant("unbalanced", GradientMask(1.4, size=5, kernel="unbalanced")),
    ),
    schedules=(7, 10, 14, 19, 25),
)

CONFIRM = replace(
    CORE,
    name="confirm",
    question="""\
Does the core's lead hold?  Theory's mask and top-k once more, on fresh seeds.

The question, put before any of these seeds ran: in the core, theory's mask was more
robust than top-k of the same energy, its best control, and looked more at the object,
but those were two intervals among many.  Is it so again, and in accuracy and after
pruning as well?

The plan: the core's network, scenes, schedule and measurements, twenty seeds that no
other experiment draws, and only what the question needs: plain training, the mask and
top-k.  Scenes and networks are new; the test scenes' objects come from the same 2,000
images.

The compute: 4 minutes for a seed on one core, 1.3 hours for twenty.
""",
    seeds=range(1000, 1020),
    variants=(PLAIN, Variant("theory", THEORY), Variant("theory", THEORY, "top-k")),
    schedules=(),
)

EQUAL_FIT = replace(
    CONFIRM,
    name="equal_fit",
    question="""\
Is theory's mask ahead of the loudest positions at equal fit?  Top-k, run shorter.

The question, put before any of these networks was trained: on twenty fresh seeds
(``confirm``) the mask was ahead of top-k in pruning,
robustness and attention, but it also ended with a higher training loss, and what fits
less is more robust for that alone.  Is it still ahead of top-k with a schedule so short
that both end with the same loss?

The plan: the same seeds, scenes, settings and measurements; top-k with two shorter
schedules, each run to its end.  With confirm's own run of top-k they make a ladder, and
the mask is compared with the point of it that has the mask's training loss.

The compute: 4 minutes for a seed on one core, 1.3 hours for twenty.
""",
    variants=(Variant("theory", THEORY, "top-k"),),
    epochs=26,
    schedules=(22,),
)

HORIZON = replace(
    CORE,
    name="horizon",
    question="""\
The comparison with schedules three times as long.

The question and the reading are those of ``core``, for both routes beside plain
training, stopped early or not; a mask slows fitting, so that its gain, if any, may come
later.

The compute: 11 minutes for a seed on one core, 55 for five.
""",
    seeds=range(5),
    variants=(PLAIN, Variant("theory", THEORY), Variant("signal", SIGNAL)),
    epochs=90,
    schedules=(60,),
)

HORIZON_CONTROLS = replace(
    HORIZON,
    name="horizon_controls",
    question="""\
Schedules three times as long, for the controls of theory's mask.

Put after the first seed of ``horizon`` and before any of these runs.  There all
variants ended with the same training loss, a few thousandths, and theory's mask was
still ahead of plain training under attack and in attention.  With nothing left to fit,
early stopping explains no lead: is the mask then also ahead of as many positions at
random, and of the loudest?

What we expect: of chance, clearly.  Of the loudest, by the point or two of
``equal_fit``, which five seeds will hardly tell from zero.

The plan: the seeds, scenes and settings of ``horizon``, whose record holds plain
training and the mask itself.

The compute: 10 minutes for a seed on one core, 50 for five.
""",
    variants=(
        Variant("theory", THEORY, "random"),
        Variant("theory", THEORY, "top-k"),
    ),
    schedules=(),
)

ABLATIONS = replace(
    CORE,
    name="ablations",
    question="""\
One setting of theory's mask changed at a time: which parts matter, which way.

The plan: the core's network, scenes and schedule, five seeds.  Every variant differs in
one thing from theory's mask, or from the literal mask on the signal route; both run
again on the same seeds, as does plain training with two shorter schedules.  Two ideas
are ours: sizing the kernel to the map, and tempering the mask: its threshold falls in
four steps, strict at first, when the gradient is noisiest, and all but open at last.

The compute: 22 runs of about a minute with their measurement (attacks on 300 images
only), 20 minutes for a seed on one core, 1.7 hours for five.
""",
    seeds=range(5),
    variants=(
        PLAIN,
        Variant("theory", THEORY),
        Variant("error energy", replace(THEORY, energy="error")),
        Variant("not projected", replace(THEORY, project=False)),
        Variant("5x5", replace(THEORY, sigma=1.0, size=5, relative=False)),
        Variant("half the scale", replace(THEORY, sigma=0.125)),
        Variant("twice the scale", replace(THEORY, sigma=0.5)),
        Variant("threshold -0.5", replace(THEORY, threshold=-0.5)),
        Variant("threshold 0.5", replace(THEORY, threshold=0.5)),
        Variant("difference of Gaussians", replace(THEORY, kernel="dog")),
        Variant("soft", ablated(THEORY, soft=True)),
        Variant("rescaled", ablated(THEORY, rescaled=True)),
        Variant("early layers", ablated(THEORY, depth=(0, 0.5))),
        Variant("late layers", ablated(THEORY, depth=(0.5, 1))),
        Variant("first half", (Phase(0.5, THEORY), Phase(1, None))),
        Variant("second half", (Phase(0.5, None), Phase(1, THEORY))),
        Variant(
            "tempered",
            (
                Phase(0.25, replace(THEORY, threshold=0.5)),
                Phase(0.5, replace(THEORY, threshold=0.0)),
                Phase(0.75, replace(THEORY, threshold=-0.5)),
                Phase(1, replace(THEORY, threshold=-1.0)),
            ),
        ),
        Variant("signal", SIGNAL),
        Variant("signal, sized to the map", GradientMask(0.25, relative=True)),
        Variant("signal, rescaled", ablated(SIGNAL, rescaled=True)),
    ),
    schedules=(10, 19),
    levels=LIGHT,
)

TABLE = (CORE, CONFIRM, EQUAL_FIT, HORIZON, HORIZON_CONTROLS, ABLATIONS)
