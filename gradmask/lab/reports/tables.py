"""Tables of the book, made from records: intervals, verdicts, the claim ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from IPython.display import HTML

from gradmask.lab.records import Record, Row
from gradmask.lab.reports.claims import Entry
from gradmask.lab.reports.comparison import BASELINES, effects, per_seed, summary
from gradmask.lab.reports.cost import ratios
from gradmask.lab.reports.markup import markup, table
from gradmask.lab.reports.multiplicity import holm, p_value
from gradmask.lab.reports.stats import Interval, mean_interval, paired_difference

__all__ = [
    "attack_table",
    "corrected_table",
    "cost_table",
    "effect_table",
    "ledger_table",
    "means_table",
    "points",
    "ratio",
    "readings_table",
    "stored",
    "table",
    "verdict",
    "verdict_table",
]


def points(interval: Interval) -> str:
    """An interval of shares in percentage points: ``"+1.2 [-0.3, +2.7]"``."""
    mean, low, high = (f"{100 * value:+.1f}" for value in interval)
    return f"{mean} [{low}, {high}]".replace("-", "−")


def verdict(interval: Interval) -> str:
    """What the interval of a paired difference allows to say."""
    if not interval.excludes_zero:
        return "no clear difference"
    return "better" if interval.mean > 0 else "worse"


def effect_table(rows: Sequence[Row], masks: Sequence[str], quantity: str) -> HTML:
    """A row for every mask: its value, and its paired differences in points.

    Parameters
    ----------
    rows : sequence of dict
        A record's rows.
    masks : sequence of str
        Which masks.
    quantity : str
        A share, such as "test accuracy".
    """
    body = []
    for mask in masks:
        cells = [mask, _per_cent(summary(rows, mask, quantity))]
        for interval in effects(rows, mask, quantity).values():
            text = points(interval)
            cells.append(f"<strong>{text}</strong>" if interval.excludes_zero else text)
        body.append(cells)
    plain = 100 * sum(values := per_seed(rows, "plain", quantity)) / len(values)
    header = ["mask", f"{quantity}, % (plain: {plain:.1f})"]
    return markup([*header, *(f"vs. {name}" for name in BASELINES)], body)


def means_table(
    rows: Sequence[Row], variants: Mapping[str, str], quantities: Mapping[str, str]
) -> HTML:
    """A row for every variant: means over the seeds with their 95 % intervals.

    Parameters
    ----------
    rows : sequence of dict
        A record's rows.
    variants : mapping of str to str
        Variants' names, and the title of each.
    quantities : mapping of str to str
        Which numbers, and the title of each; one that ends in "%" is in per cent.
    """
    body = []
    for variant, title in variants.items():
        cells = [title]
        for quantity, unit in quantities.items():
            interval = summary(rows, variant, quantity)
            write = _per_cent if unit.endswith("%") else _number
            cells.append(write(interval))
        body.append(cells)
    return markup(["training", *quantities.values()], body)


def corrected_table(
    rows: Sequence[Row], mask: str, quantities: Mapping[str, str]
) -> HTML:
    """A mask's paired differences to its baselines, corrected for their number.

    Bold where the 95 % interval excludes zero; with a star where that survives Holm's
    correction for all differences of the table.

    Parameters
    ----------
    rows : sequence of dict
        A record's rows.
    mask : str
        Which mask.
    quantities : mapping of str to str
        Shares, and the title of each.
    """
    cells = _corrected(
        {
            (quantity, rival): (
                per_seed(rows, mask, quantity),
                per_seed(rows, mask, quantity, rival),
            )
            for quantity in quantities
            for rival in BASELINES
        }
    )
    body = [
        [title, *(cells[quantity, rival] for rival in BASELINES)]
        for quantity, title in quantities.items()
    ]
    return markup(["points", *(f"vs. {name}" for name in BASELINES)], body)


def readings_table(
    rows: Sequence[Row],
    readings: Mapping[str, tuple[str, str]],
    quantities: Mapping[str, str],
) -> HTML:
    """Readings of lateral inhibition, and their differences to plain training.

    Bold and stars are those of :func:`corrected_table`.

    Parameters
    ----------
    rows : sequence of dict
        A record's rows.
    readings : mapping of str to (str, str)
        Variants' names, the title of each, and what becomes of an error there.
    quantities : mapping of str to str
        Shares, and the title of each.
    """
    cells = _corrected(
        {
            (name, quantity): (
                per_seed(rows, name, quantity),
                per_seed(rows, "plain", quantity),
            )
            for name in readings
            for quantity in quantities
        }
    )
    body = [
        [*map(escape, said), *(cells[name, quantity] for quantity in quantities)]
        for name, said in readings.items()
    ]
    return markup(["reading", "what becomes of an error", *quantities.values()], body)


def ledger_table(entries: Sequence[Entry], benchmark: Sequence[Entry] = ()) -> HTML:
    """The claim ledger: what was claimed, what was measured, and the verdict.

    Parameters
    ----------
    entries : sequence of Entry
        What the laboratory's scenes say.
    benchmark : sequence of Entry
        What CIFAR-10 says of the same claims and masks, as far as it can; as columns
        of their own.
    """
    known = {(entry.claim, entry.mask): entry for entry in benchmark}
    header = ["claim", "mask", "vs. plain", "vs. best control", "verdict"]
    if known:
        header = [*header[:2], *(f"scenes: {title}" for title in header[2:])]
        header += ["CIFAR-10: vs. plain", "CIFAR-10: verdict"]
    body = []
    for entry in entries:
        cells = [
            f'<a href="{entry.claim.chapter}.html">{escape(entry.claim.text)}</a>',
            entry.mask,
            points(entry.to_plain),
            f"{points(entry.to_rival)} ({entry.rival})",
            f"<strong>{entry.verdict}</strong>",
        ]
        if other := known.get((entry.claim, entry.mask)):
            cells += [points(other.to_plain), f"<strong>{other.verdict}</strong>"]
        elif known:
            cells += ["not measured", "none"]
        body.append(cells)
    return markup(header, body)


def verdict_table(ledgers: Mapping[str, Sequence[Entry]]) -> HTML:
    """Verdicts alone: a row for a mask on some images, a column for a claim.

    Parameters
    ----------
    ledgers : mapping of str to sequence of Entry
        By its title a ledger of one mask, as far as its record can decide the claims.
    """
    claims = dict.fromkeys(entry.claim for found in ledgers.values() for entry in found)
    body = []
    for title, entries in ledgers.items():
        known = {entry.claim: entry for entry in entries}
        body.append([title, *(_said(known.get(claim)) for claim in claims)])
    return table(["mask, images", *(claim.text for claim in claims)], body)


def _said(entry: Entry | None) -> str:
    if entry is None:
        return "not measured"
    simpler = entry.verdict.startswith("a simpler")
    return f"{entry.verdict}: {entry.rival}" if simpler else entry.verdict


def attack_table(rows: Sequence[Row]) -> HTML:
    """What AutoAttack leaves of a robust accuracy, and how often the checks passed.

    Parameters
    ----------
    rows : sequence of dict
        Rows of the record "robustness".
    """
    plans = list(dict.fromkeys((row["variant"], row["epochs"]) for row in rows))
    body = []
    for variant, epochs in plans:
        runs = [r for r in rows if (r["variant"], r["epochs"]) == (variant, epochs)]
        robust = (
            mean_interval([run[key] for run in runs])
            for key in ("white_box", "auto attack")
        )
        passed = sum(run["passed"] for run in runs)
        body.append(
            [
                f"{variant}, {epochs} epochs",
                *map(_per_cent, robust),
                f"{passed} of {len(runs)}",
            ]
        )
    return markup(["training", "PGD, %", "AutoAttack, %", "checks passed"], body)


def cost_table(rows: Sequence[Row], variants: Mapping[str, str]) -> HTML:
    """Time of a training step over plain training's, a row for each network.

    Parameters
    ----------
    rows : sequence of dict
        Rows of the records "overhead" or "overhead_cuda".
    variants : mapping of str to str
        Which variants, and the title of each.
    """
    found = ratios(rows)
    body = [
        [network, *(ratio(own[name]) if name in own else "–" for name in variants)]
        for network, own in found.items()
    ]
    return table(["time over plain", *variants.values()], body)


def stored(*records: Record) -> HTML:
    """Say, folded, how records were made.

    Parameters
    ----------
    records : Record
        Those that a chapter draws.
    """
    names = ", ".join(escape(record.experiment) for record in records)
    made = (escape(record.provenance).replace("\n", "; ") for record in records)
    items = "".join(f"<li>{one}</li>" for one in made)
    return HTML(
        f'<details class="stored"><summary>How the results were made: {names}</summary>'
        f"<ul>{items}</ul></details>"
    )


def _corrected(
    pairs: Mapping[tuple[str, str], tuple[Sequence[float], Sequence[float]]],
) -> dict[tuple[str, str], str]:
    """Write paired differences: bold if clear, with a star if so after correction."""
    adjusted = holm({name: p_value(*pair) for name, pair in pairs.items()})
    cells = {}
    for name, pair in pairs.items():
        interval = paired_difference(*pair)
        text = points(interval) + "*" * (adjusted[name] < 0.05)
        cells[name] = f"<strong>{text}</strong>" if interval.excludes_zero else text
    return cells


def _per_cent(interval: Interval) -> str:
    mean, low, high = (100 * value for value in interval)
    return f"{mean:.1f} [{low:.1f}, {high:.1f}]"


def ratio(interval: Interval) -> str:
    """An interval of ratios: ``"1.20 [1.05, 1.37]"``."""
    return "{:.2f} [{:.2f}, {:.2f}]".format(*interval)


def _number(interval: Interval) -> str:
    return "{:.3f} [{:.3f}, {:.3f}]".format(*interval)
