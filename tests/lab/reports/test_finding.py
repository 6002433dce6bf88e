"""The finding compares every way with the plain training of its own record."""

import pytest

from gradmask.lab.reports.finding import EARLIER, MEASURED, WAYS, finding


def rows(values, shift=0.0):
    """Three seeds of variants and epochs, all quantities the same."""
    return [
        {"seed": seed, "variant": name, "epochs": epochs, "train loss": 1.0}
        | dict.fromkeys(MEASURED.values(), value + shift + 0.01 * seed)
        for seed in range(3)
        for (name, epochs), value in values.items()
    ]


CORE = {("plain", EARLIER): 0.4, ("plain", 30): 0.5, ("theory", 30): 0.7}
SOFT = {("plain", 30): 0.5, ("theory", 30): 0.1, ("soft", 30): 0.8}


def test_a_way_is_looked_up_in_the_first_record_that_has_it():
    found = finding([rows(CORE), rows(SOFT, shift=0.1)], [rows(SOFT | CORE)])
    assert list(found) == list(MEASURED)
    for lines in found.values():
        assert list(lines) == list(WAYS)
        scenes = {way: places["cluttered scenes"].mean for way, places in lines.items()
                  if "cluttered scenes" in places}  # fmt: skip
        assert scenes == pytest.approx(
            {"fewer epochs (14 of 30)": -0.1, "mask from theory": 0.2, "soft mask": 0.3}
        )
        assert lines["literal mask"] == {}
        assert lines["soft mask"]["misleading backgrounds"].mean == pytest.approx(0.3)
