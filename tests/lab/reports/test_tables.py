"""Tables show what the statistics give."""

import pytest

from gradmask.lab.records import Record, Run
from gradmask.lab.reports.claims import Claim, Entry
from gradmask.lab.reports.stats import Interval
from gradmask.lab.reports.tables import (
    attack_table,
    corrected_table,
    ledger_table,
    means_table,
    stored,
    table,
    verdict_table,
)


def record():
    """Four seeds of a mask that is ahead of plain training and like its controls."""
    return [
        {"seed": seed, "variant": name, "epochs": 2, "train loss": loss, "share": share}
        for seed, noise in enumerate((0.0, 0.01, -0.01, 0.005))
        for name, loss, share in (
            ("plain", 0.5, 0.5 + noise),
            ("mask", 0.5, 0.7 + 2 * noise),
            ("mask, random", 0.5, 0.7 + noise),
            ("mask, top-k", 0.5, 0.5 + 30 * noise),
        )
    ]


def test_means_are_in_per_cent_where_their_title_says_so():
    text = means_table(
        record(), {"plain": "plainly"}, {"share": "accuracy, %", "train loss": "loss"}
    ).data
    assert "<td>plainly</td><td>50.1 [48.8, 51.5]</td>" in text
    assert "<td>0.500 [0.500, 0.500]</td>" in text


def test_the_ledger_has_columns_for_the_benchmark():
    claims = [Claim(name, name, "points", "training") for name in ("seen", "unseen")]
    zero, one = Interval(0.0, -0.1, 0.1), Interval(0.2, 0.1, 0.3)
    scenes = [Entry(claim, "mask", one, "top-k", one) for claim in claims]
    benchmark = [Entry(claims[0], "mask", zero, "stopped early", zero)]
    alone, both = ledger_table(scenes).data, ledger_table(scenes, benchmark).data
    assert "CIFAR-10" not in alone
    assert "<td>+0.0 [−10.0, +10.0]</td><td><strong>fails</strong></td>" in both
    assert both.count("<td>not measured</td>") == 1
    assert both.count("<strong>holds</strong>") == 2


def test_bold_excludes_zero_and_a_star_survives_the_correction():
    text = corrected_table(record(), "mask", {"share": "accuracy"}).data
    assert text.count("<strong>+20.1 [+18.8, +21.5]*</strong>") == 2
    assert text.count("<strong>") == 2
    assert "<td>+0.1 [−1.2, +1.5]</td>" in text


def test_the_table_of_attacks_counts_what_passed():
    rows = [
        {"variant": "plain", "epochs": e, "white_box": w, "auto attack": a, "passed": p}
        for e, w, a, p in [
            (2, 0.2, 0.1, True),
            (2, 0.4, 0.1, False),
            (3, 0.1, 0.1, True),
        ]
        for _ in range(2)
    ]
    text = attack_table(rows).data
    assert "plain, 2 epochs" in text
    assert "plain, 3 epochs" in text
    assert "<td>2 of 4</td>" in text
    assert "<td>2 of 2</td>" in text
    assert "<td>10.0 [10.0, 10.0]</td>" in text


def test_a_table_shows_text_as_it_is():
    text = table(["a < b", "c"], [["1 & 2", "3"]]).data
    assert '<th scope="col">a &lt; b</th>' in text
    assert "<tr><td>1 &amp; 2</td><td>3</td></tr>" in text
    with pytest.raises(ValueError, match="2 cells"):
        table(["a", "b"], [["1"]])


@pytest.mark.parametrize(
    ("profile", "command"),
    [("laptop", "run core<"), ("gpu", "run core --profile gpu<")],
)
def test_what_is_stored_says_how_it_was_made_and_by_which_command(profile, command):
    made = dict.fromkeys(("hardware", "device", "threads", "commit", "date"), "x")
    run = Run(0, [], 120.0, {**made, "torch": "<2.14>"})
    text = stored(Record("core", profile, {}, {0: run})).data
    assert command in text
    assert "1 seeds, 2 minutes in all; x, x, threads x; torch &lt;2.14&gt;" in text


def test_verdicts_name_the_simpler_method():
    claim = Claim("more accurate", "share", "points", "training")
    zero, one = Interval(0.0, -0.1, 0.1), Interval(0.2, 0.1, 0.3)
    ahead, level = (Entry(claim, "mask", one, "top-k", rest) for rest in (one, zero))
    text = verdict_table({"a": [ahead], "b": [level]}).data
    cells = "holds", "a simpler method does as well: top-k"
    assert "<td>more accurate</td>" + "".join(f"<td>{c}</td>" for c in cells) in text
