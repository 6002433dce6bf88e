"""What the record of saliency says: maps compared, and networks."""

import itertools

import numpy as np
import pytest

from gradmask.lab.measures.saliency.localisation import SHARES
from gradmask.lab.measures.saliency.maps import MAPS
from gradmask.lab.reports.saliency import (
    map_effect,
    map_summary,
    network_effect,
    overlap_over_share,
)
from gradmask.lab.reports.stats import paired_difference

VARIANTS = {
    ("plain", 22): 0.4,
    ("plain", 30): 0.1,
    ("theory", 30): 0.2,
    ("theory, random", 30): 0.3,
    ("theory, top-k", 30): 0.15,
}


def record():
    generator = np.random.default_rng(0)
    return [
        {"seed": seed, "family": family, "variant": variant, "epochs": epochs}
        | {"map": name, "train loss": loss, "energy": generator.random()}
        | {f"iou {100 * share:.0f}": generator.random() for share in SHARES}
        for seed, family, ((variant, epochs), loss), name in itertools.product(
            range(4), ("resnet", "vgg"), VARIANTS.items(), MAPS
        )
    ]


def values(rows, family, variant, epochs, name, key="energy"):
    wanted = (family, variant, epochs, name)
    return [
        row[key]
        for row in rows
        if (row["family"], row["variant"], row["epochs"], row["map"]) == wanted
    ]


def test_a_map_is_compared_with_another_of_the_same_networks():
    rows = record()
    one, two = (
        values(rows, "vgg", "plain", 30, name) for name in ("lateral", "centre")
    )
    found = map_effect(rows, "vgg", "plain", "lateral", "centre", "energy")
    assert found == paired_difference(one, two)
    mean = map_summary(rows, "vgg", "plain", "lateral", "energy").mean
    assert mean == pytest.approx(np.mean(one))


def test_a_network_is_compared_with_another_by_the_same_map():
    rows = record()
    masked, short, full = (
        np.array(values(rows, "resnet", variant, epochs, "gradient"))
        for variant, epochs in (("theory", 30), ("plain", 22), ("plain", 30))
    )
    options = (rows, "resnet", "gradient", "theory")
    found = network_effect(*options, "plain", "energy")
    assert found == paired_difference(masked, full)
    # Half-way between the losses of the two schedules, on the logarithmic scale.
    found = network_effect(*options, "stopped early", "energy")
    assert found.mean == pytest.approx(np.mean(masked - (short + full) / 2))


def test_overlap_is_read_over_the_share_for_every_map():
    rows = record()
    percent = [round(100 * share) for share in SHARES]
    found = overlap_over_share(rows, "vgg", MAPS, percent)
    assert list(found) == list(MAPS)
    for name, line in found.items():
        assert list(line.x) == percent
        at_20 = np.mean(values(rows, "vgg", "plain", 30, name, "iou 20"))
        assert line.y[3].mean == pytest.approx(at_20)
