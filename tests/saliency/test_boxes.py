"""Boxes around salient pixels, against values by hand and counted pixels."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradmask.saliency import box_iou, energy_in_box, saliency_box


def boxes(*rows):
    return torch.tensor(rows).reshape(-1, 4)


def maps_with(*pixels, shape=(10, 10)):
    """One map, with the given values at the given (x, y)."""
    saliency = torch.zeros(1, *shape)
    for (x, y), value in pixels:
        saliency[0, y, x] = value
    return saliency


@pytest.mark.parametrize(
    ("saliency", "share", "box"),
    [
        (maps_with(((7, 2), 1.0)), 0.15, (7, 2, 8, 3)),
        (maps_with(((7, 2), 1.0), ((3, 8), 0.5)), 0.15, (3, 2, 8, 9)),
        (maps_with(((7, 2), 1.0), ((3, 8), 0.5)), 0.01, (7, 2, 8, 3)),
        (maps_with(((7, 2), 1.0), ((3, 8), 1.0)), 0.01, (3, 2, 8, 9)),
        (maps_with(((0, 0), 1.0), ((3, 8), 1.0)), 1.0, (0, 0, 4, 9)),
        (torch.zeros(1, 4, 6), 0.15, (0, 0, 6, 4)),
        (torch.full((1, 4, 6), 0.3), 0.15, (0, 0, 6, 4)),
        (torch.full((1, 1, 1), 0.3), 0.15, (0, 0, 1, 1)),
        (torch.arange(20.0).view(1, 2, 10), 0.15, (7, 1, 10, 2)),
        (torch.arange(20.0).view(1, 2, 10), 0.6, (0, 0, 10, 2)),
        (torch.arange(20.0).view(1, 2, 10), 0.001, (9, 1, 10, 2)),
        (-torch.arange(20.0).view(1, 2, 10), 0.1, (0, 0, 2, 1)),
    ],
)
def test_the_box_by_hand(saliency, share, box):
    result = saliency_box(saliency, share)
    assert torch.equal(result, boxes(box))
    assert result.dtype == torch.int64


def test_fifteen_per_cent_is_the_default():
    ramp = torch.arange(100.0).view(1, 10, 10)
    assert torch.equal(saliency_box(ramp), boxes((0, 8, 10, 10)))
    assert torch.equal(saliency_box(ramp[..., :1]), boxes((0, 8, 1, 10)))


def test_each_map_has_its_own_box():
    both = torch.cat([maps_with(((7, 2), 1.0)), maps_with(((1, 1), 0.1))])
    assert torch.equal(saliency_box(both), boxes((7, 2, 8, 3), (1, 1, 2, 2)))
    assert saliency_box(both[:0]).shape == (0, 4)
    assert saliency_box(both[:0]).dtype == torch.int64


@pytest.mark.parametrize(
    ("saliency", "share", "message"),
    [
        (torch.zeros(3, 3), 0.15, r"shape \(B, H, W\)"),
        (torch.zeros(1, 0, 3), 0.15, "pixels"),
        (torch.full((1, 3, 3), torch.nan), 0.15, "finite"),
        (torch.zeros(1, 3, 3), 0.0, "share"),
        (torch.zeros(1, 3, 3), 15, "share"),
        (torch.zeros(1, 3, 3), float("nan"), "share"),
    ],
)
def test_box_errors(saliency, share, message):
    with pytest.raises(ValueError, match=message):
        saliency_box(saliency, share)


@pytest.mark.parametrize(
    ("a", "b", "iou"),
    [
        ((0, 0, 4, 4), (0, 0, 4, 4), 1.0),
        ((0, 0, 4, 4), (2, 0, 6, 4), 1 / 3),
        ((0, 0, 4, 4), (2, 2, 6, 6), 4 / 28),
        ((0, 0, 4, 4), (1, 1, 3, 2), 2 / 16),
        ((0, 0, 4, 4), (4, 0, 8, 4), 0.0),
        ((0, 0, 4, 4), (5, 5, 8, 8), 0.0),
        ((0, 0, 4, 4), (2, 2, 2, 4), 0.0),
        ((2, 2, 2, 4), (2, 2, 2, 4), 0.0),
        ((0.5, 0.0, 1.5, 1.0), (0.0, 0.0, 1.0, 1.0), 1 / 3),
    ],
)
def test_iou_by_hand(a, b, iou):
    assert box_iou(boxes(a), boxes(b)).tolist() == pytest.approx([iou])
    assert box_iou(boxes(b), boxes(a)).tolist() == pytest.approx([iou])


def test_iou_is_elementwise():
    a = boxes((0, 0, 2, 2), (0, 0, 2, 2))
    b = boxes((0, 0, 2, 2), (5, 5, 6, 6))
    assert torch.equal(box_iou(a, b), torch.tensor([1.0, 0.0]))
    assert box_iou(a[:0], b[:0]).shape == (0,)


box = st.tuples(*[st.integers(0, 6)] * 4).map(
    lambda t: (*map(min, t[:2], t[2:]), *map(max, t[:2], t[2:]))
)


@given(box, box)
def test_iou_counts_pixels(a, b):
    def pixels(box):
        x0, y0, x1, y1 = box
        return {(x, y) for x in range(x0, x1) for y in range(y0, y1)}

    union = pixels(a) | pixels(b)
    expected = len(pixels(a) & pixels(b)) / len(union) if union else 0.0
    assert box_iou(boxes(a), boxes(b)).item() == pytest.approx(expected)


@given(box, st.integers(0, 2**31))
def test_energy_counts_pixels(box, seed):
    saliency = torch.rand(1, 5, 4, generator=torch.Generator().manual_seed(seed))
    x0, y0, x1, y1 = box
    expected = saliency[0, y0:y1, x0:x1].sum() / saliency.sum()
    torch.testing.assert_close(energy_in_box(saliency, boxes(box))[0], expected)


def test_energy_by_hand():
    saliency = torch.cat(
        [maps_with(((7, 2), 3.0), ((3, 8), 1.0)), torch.zeros(1, 10, 10)]
    )
    inside = energy_in_box(saliency, boxes((7, 2, 8, 3), (0, 0, 10, 10)))
    assert inside[0] == 0.75
    assert inside[1].isnan()
    one = saliency[:1]
    assert energy_in_box(one, boxes((-5, -5, 99, 99))) == 1  # beyond the image
    assert energy_in_box(one, boxes((7, 2, 7, 9))) == 0
    assert energy_in_box(one, boxes((3, 8, 7, 9))) == 0.25
    assert energy_in_box(one[:0], boxes()).shape == (0,)


@pytest.mark.parametrize("good", [boxes((0, 0, 1, 1))])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (torch.zeros(4), r"shape \(B, 4\)"),
        (torch.zeros(1, 5), r"shape \(B, 4\)"),
        (boxes((2, 0, 1, 1)), "ends before"),
        (boxes((0, 2, 1, 1)), "ends before"),
    ],
)
def test_malformed_boxes(good, bad, message):
    for a, b in (good, bad), (bad, good):
        with pytest.raises(ValueError, match=message):
            box_iou(a, b)
    with pytest.raises(ValueError, match=message):
        energy_in_box(torch.ones(1, 3, 3), bad)


def test_numbers_of_boxes_must_agree():
    one, two = boxes((0, 0, 1, 1)), boxes((0, 0, 1, 1), (0, 0, 1, 1))
    with pytest.raises(ValueError, match="1 and 2"):
        box_iou(one, two)
    with pytest.raises(ValueError, match="1 maps and 2 boxes"):
        energy_in_box(torch.ones(1, 3, 3), two)


def test_energy_errors():
    with pytest.raises(ValueError, match=r"shape \(B, H, W\)"):
        energy_in_box(torch.ones(3, 3), boxes((0, 0, 1, 1)))
    with pytest.raises(ValueError, match="negative"):
        energy_in_box(-torch.ones(1, 3, 3), boxes((0, 0, 1, 1)))
