"""Localisation against loops over pixels, and its extremes."""

import numpy as np
import pytest
import torch
from torch import nn

from gradmask.lab.measures.energy import energy_share
from gradmask.lab.measures.saliency.localisation import (
    SHARES,
    eligible,
    iou_over_shares,
    localisation,
    pointing,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def maps(count=6, seed=0):
    return torch.rand(count, 9, 12, generator=seeded(seed), dtype=torch.float64)


BOX = torch.tensor([[2, 1, 7, 5]] * 6)


def object_mask():
    mask = torch.zeros(6, 9, 12, dtype=torch.bool)
    mask[:, 1:5, 2:7] = torch.rand(6, 4, 5, generator=seeded(1)) < 0.5
    return mask


def slow_iou(saliency, box, share):
    """Pixel by pixel: the most salient, the box about them, the two areas."""
    pixels = [(saliency[y, x], y, x) for y in range(9) for x in range(12)]
    pixels.sort(reverse=True)
    chosen = pixels[: max(1, round(share * len(pixels)))]
    ys, xs = [y for _, y, _ in chosen], [x for _, _, x in chosen]
    x0, y0, x1, y1 = box
    inside = union = 0
    for y in range(9):
        for x in range(12):
            one = min(ys) <= y <= max(ys) and min(xs) <= x <= max(xs)
            two = y0 <= y < y1 and x0 <= x < x1
            inside, union = inside + (one and two), union + (one or two)
    return inside / union


def test_overlap_is_counted_pixel_by_pixel():
    saliency = maps().pow(4)
    saliency[:, 2:4, 3:6] += 1
    expected = [
        [slow_iou(s, b, share) for share in SHARES]
        for s, b in zip(saliency.numpy(), BOX.numpy(), strict=True)
    ]
    np.testing.assert_allclose(iou_over_shares(saliency, BOX), expected, rtol=1e-6)
    found = localisation(saliency, BOX)
    np.testing.assert_allclose(found["mean iou"], np.mean(expected, 1), rtol=1e-6)
    iou = np.array(expected)[:, SHARES.index(0.15)]
    np.testing.assert_allclose(found["iou"], iou, rtol=1e-6)
    assert len(set(iou)) > 1


def test_energy_and_pointing_are_those_of_loops():
    saliency, mask = maps(), object_mask()
    saliency[0, 3, 4] = 2
    found = localisation(saliency, BOX, mask)
    for n in range(6):
        on, within, highest = 0.0, 0.0, (0.0, 0, 0)
        for y in range(9):
            for x in range(12):
                value = saliency[n, y, x].item()
                highest = max(highest, (value, y, x))
                on += value * mask[n, y, x].item()
                within += value * (1 <= y < 5 and 2 <= x < 7)
        total = saliency[n].sum().item()
        assert found["energy on object"][n].item() == pytest.approx(on / total)
        assert found["energy in box"][n].item() == pytest.approx(within / total)
        _, y, x = highest
        assert found["pointing"][n] == (1 <= y < 5 and 2 <= x < 7)
    assert 0 < found["pointing"].sum() < 6


def test_a_map_that_is_its_object_finds_it():
    saliency = torch.zeros(6, 9, 12)
    saliency[:, 1:5, 2:7] = 1
    found = localisation(saliency, BOX, saliency > 0)
    assert all((found[key] == 1).all() for key in found if key != "mean iou")


def test_a_map_of_zeros_counts_as_uniform():
    nothing, uniform = torch.zeros(6, 9, 12), torch.ones(6, 9, 12)
    found = localisation(nothing, BOX, object_mask())
    expected = localisation(uniform, BOX, object_mask())
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    share = BOX.new_tensor(20) / (9 * 12)
    torch.testing.assert_close(found["pointing"], share.expand(6))
    assert energy_share(nothing, object_mask()).isnan().all()


def test_the_pointing_game_may_tolerate_a_miss():
    saliency = torch.zeros(1, 9, 12)
    saliency[0, 7, 9] = 1  # three below the box, and three right of it
    hits = [pointing(saliency, BOX[:1], tolerance).item() for tolerance in range(5)]
    assert hits == [0, 0, 0, 1, 1]


def test_of_equal_maxima_it_counts_their_share():
    saliency = torch.zeros(1, 9, 12)
    saliency[0, 1, 2] = saliency[0, 4, 6] = saliency[0, 5, 6] = saliency[0, 0, 0] = 1
    assert pointing(saliency, BOX[:1]).item() == 0.5


def test_only_what_is_right_and_leaves_room_counts():
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.99)).train()
    images = torch.eye(4).view(4, 1, 2, 2)
    labels = torch.tensor([0, 1, 2, 0])
    box = torch.tensor([[0, 0, 1, 2], [0, 0, 2, 2], [0, 0, 1, 1], [0, 0, 1, 1]])
    assert eligible(model, images, labels, box).tolist() == [True, False, True, False]
    assert eligible(model, images, labels, box, 1.0).sum() == 3
    assert eligible(model, images, labels, box, 0.3).sum() == 1
    assert all(module.training for module in model.modules())
