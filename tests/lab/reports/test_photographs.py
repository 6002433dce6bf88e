"""Records of photographs, arranged by map."""

import pytest

from gradmask.lab.reports.photographs import by_photograph, lead_over
from gradmask.lab.reports.stats import mean_interval

VALUES = {"lateral": [0.5, 0.7, 0.6], "centre": [0.4, 0.5, 0.1]}


def rows(**more):
    return [
        {"seed": seed, "photograph": n, "map": name, "iou": value + 0.1 * seed} | more
        for seed in (0, 1)
        for name, values in VALUES.items()
        for n, value in enumerate(values)
    ]


def test_a_measure_is_arranged_by_map_and_photograph():
    found = by_photograph(rows(), "iou")
    assert list(found) == ["lateral", "centre"]
    assert found["centre"] == pytest.approx({"0": 0.45, "1": 0.55, "2": 0.15})


def test_photographs_of_two_classes_may_have_the_same_number():
    both = [*rows(label=3), *rows(label=4)]
    assert len(by_photograph(both, "iou")["lateral"]) == 6


def test_a_lead_is_the_mean_of_paired_differences():
    expected = mean_interval([0.1, 0.2, 0.5])
    assert lead_over(rows(), "lateral", "centre", "iou") == pytest.approx(expected)
