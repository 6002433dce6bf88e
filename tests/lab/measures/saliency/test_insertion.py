"""Insertion and deletion against changing one pixel after the other."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn

from gradmask.lab.measures.saliency.insertion import (
    area,
    blurred,
    deletion,
    insertion,
    probability_curve,
)
from gradmask.lab.networks.small import small_resnet

SIDE = 8


def network():
    model = small_resnet(widths=(3, 4), seed=0).double()
    with torch.no_grad():
        model[-1].weight *= 20
    return model


def examples(count=4, channels=1):
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, channels, SIDE, SIDE, generator=generator).double()
    saliency = torch.rand(count, SIDE, SIDE, generator=generator).double()
    return images, torch.arange(count), saliency


def slow(model, before, after, label, saliency, steps):
    """One image: walk over its pixels in order, and look after every step."""
    model = model.eval()
    image = before.clone()
    pixels = [(-saliency[y, x].item(), y, x) for y in range(SIDE) for x in range(SIDE)]
    curve, done = [], 0
    for step in range(steps + 1):
        until = round(step * len(pixels) / steps)
        for _, y, x in sorted(pixels)[done:until]:
            image[:, y, x] = after[:, y, x]
        done = until
        with torch.no_grad():
            scores = model(image[None])[0].exp()
        curve.append((scores[label] / scores.sum()).item())
    return curve


@pytest.mark.parametrize("steps", [1, 5, SIDE**2])
def test_a_probability_curve_changes_pixel_after_pixel(steps):
    model, (images, labels, saliency) = network(), examples()
    saliency[1] = (saliency[1] > 0.5).double()  # ties go in reading order
    after = images.flip(0)
    found = probability_curve(model, images, after, labels, saliency, steps)
    model.eval()
    for n in range(len(images)):
        expected = slow(model, images[n], after[n], labels[n], saliency[n], steps)
        np.testing.assert_allclose(found[n], expected, rtol=1e-9)


def test_all_colours_of_a_pixel_change_together():
    model = nn.Sequential(nn.Conv2d(3, 1, 1), network()).double()
    images, labels, saliency = examples(channels=3)
    found = probability_curve(model, images, images.flip(0), labels, saliency, 4)
    expected = slow(model, images[0], images[-1], labels[0], saliency[0], 4)
    np.testing.assert_allclose(found[0], expected, rtol=1e-9)


def test_the_ends_are_the_image_its_blur_and_black():
    model, (images, labels, saliency) = network(), examples()
    rises, falls = (
        curve(model, images, labels, saliency) for curve in (insertion, deletion)
    )

    def probability(x):
        with torch.no_grad():
            return model.eval()(x).softmax(1).gather(1, labels[:, None])[:, 0]

    torch.testing.assert_close(rises[:, 0], probability(blurred(images)))
    torch.testing.assert_close(rises[:, -1], probability(images))
    torch.testing.assert_close(falls[:, 0], probability(images))
    torch.testing.assert_close(falls[:, -1], probability(torch.zeros_like(images)))


def test_a_map_that_knows_the_pixel_wins_both():
    """A network that looks at a single pixel."""

    class One(nn.Module):
        def forward(self, x):
            z = 4 * (x[:, 0, 2, 3] - 2)
            return torch.stack([z, -z], 1)

    image, label = torch.ones(1, 1, SIDE, SIDE), torch.zeros(1, dtype=torch.long)
    image[0, 0, 2, 3] = 3
    knows = torch.zeros(1, SIDE, SIDE)
    knows[0, 2, 3] = 1
    last = 1 - knows
    for curve, sign in ((insertion, 1), (deletion, -1)):
        good, bad = (area(curve(One(), image, label, s, 64)) for s in (knows, last))
        assert sign * (good - bad) > 0.9
    assert area(deletion(One(), image, label, knows, 64)).item() < 0.02


def test_area_is_the_trapezoidal_rule():
    curve = torch.tensor([[1.0, 0.5, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    torch.testing.assert_close(area(curve), torch.tensor([1 / 3, 1.0]))


def test_blurring_is_a_gaussian_of_an_eighth_of_the_side():
    images = torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    expected = ndimage.gaussian_filter(
        images.double().numpy(), 4, radius=8, axes=(2, 3), mode="mirror"
    )
    np.testing.assert_allclose(blurred(images), expected, atol=1e-5)


def test_the_network_is_left_as_it_is():
    model, (images, labels, saliency) = network().train(), examples()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    deletion(model, images, labels, saliency)
    assert all(module.training for module in model.modules())
    assert all(torch.equal(state[k], v) for k, v in model.state_dict().items())


def test_there_is_a_step_at_least():
    images, labels, saliency = examples()
    with pytest.raises(ValueError, match="steps must be at least 1"):
        deletion(network(), images, labels, saliency, 0)
