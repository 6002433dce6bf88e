"""The first pages show the ledgers of the records that they name."""

import pytest

from gradmask.lab.records import RecordError, load
from gradmask.lab.reports.claims import ledger
from gradmask.lab.reports.evidence import BACKGROUNDS, CIFAR, rows_of, verdicts
from gradmask.lab.reports.schedules import full_schedule


def test_rows_of_several_records_are_those_of_each():
    rows = rows_of(BACKGROUNDS[:2])
    assert rows == load(BACKGROUNDS[0]).rows + load(BACKGROUNDS[1]).rows
    with pytest.raises(RecordError, match="no record"):
        rows_of(["core", "never run"])


def test_records_of_cifar_compare_the_same_seeds_and_settings():
    records = [load(name) for name in CIFAR]
    changed = {"variants", "epochs", "schedules", "learning_rate"}
    first, *others = (
        {key: value for key, value in record.config.items() if key not in changed}
        for record in records
    )
    assert all(other == first for other in others)
    rows = rows_of(CIFAR)
    seeds = set(records[0].runs)
    for variant in {row["variant"] for row in rows}:
        assert {row["seed"] for row in full_schedule(rows, variant)} == seeds


def test_each_verdict_is_that_of_its_mask_on_its_images():
    found = verdicts()
    assert len(found) == 7
    assert found["literal mask, scenes"] == ledger(load("core").rows, ["signal"])
    assert found["soft mask, CIFAR-10"] == ledger(rows_of(CIFAR), ["soft"])
    for title, entries in found.items():
        (mask,) = {entry.mask for entry in entries}
        named = {"signal": "literal", "theory": "mask from", "soft": "soft"}[mask]
        assert title.startswith(named)
