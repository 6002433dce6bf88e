"""Tables show what the statistics give."""

from dataclasses import replace
from xml.etree import ElementTree

from gradmask.lab.records import Record, Run
from gradmask.lab.reports.claims import Claim, Entry
from gradmask.lab.reports.stats import Interval
from gradmask.lab.reports.tables import (
    attack_table,
    corrected_table,
    ledger_table,
    means_table,
    readings_table,
    stored,
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


def body(shown):
    """Read the cells of a table's rows, as text."""
    root = ElementTree.fromstring(shown.data)
    return [["".join(td.itertext()) for td in tr] for tr in root.findall("tbody/tr")]


def test_means_are_in_per_cent_where_their_title_says_so():
    shown = means_table(
        record(), {"plain": "plainly"}, {"share": "accuracy, %", "train loss": "loss"}
    )
    assert body(shown) == [["plainly", "50.1 [48.8, 51.5]", "0.500 [0.500, 0.500]"]]


def test_the_ledger_has_columns_for_the_benchmark():
    claims = [Claim(name, name, "points", "training") for name in ("seen", "unseen")]
    zero, one = Interval(0.0, -0.1, 0.1), Interval(0.2, 0.1, 0.3)
    scenes = [Entry(claim, "mask", one, "top-k", one) for claim in claims]
    benchmark = [Entry(claims[0], "mask", zero, "stopped early", zero)]
    alone, both = ledger_table(scenes), ledger_table(scenes, benchmark)
    assert "CIFAR-10" not in alone.data
    assert [row[-2:] for row in body(both)] == [
        ["+0.0 [−10.0, +10.0]", "fails"],
        ["not measured", "none"],
    ]
    assert both.data.count("<strong>holds</strong>") == 2


def test_bold_excludes_zero_and_a_star_survives_the_correction():
    shown = corrected_table(record(), "mask", {"share": "accuracy"})
    assert shown.data.count("<strong>+20.1 [+18.8, +21.5]*</strong>") == 2
    assert shown.data.count("<strong>") == 2
    assert "+0.1 [−1.2, +1.5]" in body(shown)[0]


def test_readings_say_what_they_do_and_how_far_they_are_from_plain_training():
    said = {"mask": ("<mask>", "dropped & gone"), "mask, top-k": ("top-k", "kept")}
    shown = readings_table(record(), said, {"share": "accuracy"})
    assert body(shown) == [
        ["<mask>", "dropped & gone", "+20.1 [+18.8, +21.5]*"],
        ["top-k", "kept", "+3.6 [−35.8, +43.0]"],
    ]
    assert shown.data.count("<strong>") == 1


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
    two, three = body(attack_table(rows))
    assert (two[0], two[-1]) == ("plain, 2 epochs", "2 of 4")
    assert (three[0], three[-1]) == ("plain, 3 epochs", "2 of 2")
    assert three[2] == "10.0 [10.0, 10.0]"


def test_what_is_stored_says_how_it_was_made():
    made = dict.fromkeys(("hardware", "device", "threads", "commit", "date"), "x")
    run = Run(0, [], 120.0, {**made, "torch": "<2.14>"})
    text = stored(Record("core", "gpu", {}, {0: run})).data
    assert "core, profile gpu: 1 seed, 2 minutes in all; x, x, threads x" in text
    assert "torch &lt;2.14&gt;" in text
    assert "images" not in text
    copies = Run(1, [], 60.0, run.provenance | {"images": "JPEG copies"})
    text = stored(Record("core", "gpu", {}, {1: copies, 2: copies})).data
    assert "2 seeds, 2 minutes in all" in text
    assert text.count("images: JPEG copies") == 1
    assert "precision" not in text
    halved = Run(1, [], 60.0, run.provenance | {"precision": "bfloat16"})
    assert "precision: bfloat16" in stored(Record("core", "gpu", {}, {1: halved})).data


def test_verdicts_name_the_simpler_method():
    claim = Claim("more accurate", "share", "points", "training")
    zero, one = Interval(0.0, -0.1, 0.1), Interval(0.2, 0.1, 0.3)
    ahead, level = (Entry(claim, "mask", one, "top-k", rest) for rest in (one, zero))
    other = replace(ahead, claim=replace(claim, text="looks at the object"))
    assert body(verdict_table({"a": [ahead], "b": [level, other]})) == [
        ["a", "holds", "not measured"],
        ["b", "a simpler method does as well: top-k", "holds"],
    ]
