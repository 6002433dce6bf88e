"""Saliency maps against numerical differences, plain loops and their own axioms."""

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from scipy import ndimage
from torch import nn
from torchvision.models import get_model

import gradmask as gm
from gradmask.lab.measures.saliency.maps import (
    MAPS,
    centre,
    grad_cam,
    grad_cam_plus_plus,
    gradient,
    integrated,
    last_stage,
    noise,
)
from gradmask.lab.networks.small import FAMILIES, small_resnet

each = pytest.mark.parametrize("draw", MAPS.values(), ids=MAPS)
families = pytest.mark.parametrize("family", FAMILIES)


def network(family="resnet", seed=0):
    """A network in double precision, with statistics of its own."""
    model = FAMILIES[family](widths=(3, 4, 5), seed=seed).double()
    model(examples(30, seed=9)[0])
    return model


def examples(count=4, seed=0, channels=1):
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(count, channels, 16, 16, generator=generator).double()
    return images, torch.randint(10, (count,), generator=generator)


def logit(model, image, label):
    with torch.no_grad():
        return model(image[None])[0, label].item()


@families
@each
def test_a_map_for_every_image_of_its_size(draw, family):
    model, (images, labels) = network(family), examples(5)
    images = images[..., :12]
    maps = draw(model, images, labels)
    assert maps.shape == (5, 16, 12)
    assert maps.dtype == images.dtype
    assert maps.isfinite().all()
    assert (maps >= 0).all()
    assert not maps.requires_grad


@each
def test_the_network_is_left_as_it_is(draw):
    model, (images, labels) = network(), examples()
    model[3].eval()
    modes = [module.training for module in model.modules()]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    draw(model, images, labels)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(state[k], v) for k, v in model.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert images.grad is None
    assert not any(module._forward_hooks for module in model.modules())
    assert torch.equal(torch.get_rng_state(), random)


@each
def test_the_same_twice_alone_or_in_company(draw):
    model, (images, labels) = network(), examples(6)
    maps = draw(model, images, labels)
    assert torch.equal(draw(model, images, labels), maps)
    torch.testing.assert_close(draw(model, images[:2], labels[:2]), maps[:2])


@each
def test_an_attached_mask_and_the_mode_of_training_make_no_difference(draw):
    model, (images, labels) = network(), examples()
    expected = draw(model.eval(), images, labels)
    model.train()
    with gm.GradientMask(1.0, size=3).attach(model), torch.no_grad():
        found = draw(model, images, labels)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("name", list(MAPS)[:-2])
def test_what_looks_at_the_network_looks_at_the_label(name):
    model, (images, _) = network(), examples(6)
    one, two = (MAPS[name](model, images, torch.full((6,), label)) for label in (0, 1))
    assert not torch.allclose(one, two)


def test_the_gradient_follows_numerical_differences():
    model = nn.Sequential(nn.Conv2d(3, 1, 1), network()).double().eval()
    images, labels = examples(2, channels=3)
    maps = gradient(model, images, labels)
    for n, y, x in [(0, 3, 4), (0, 8, 8), (1, 2, 11)]:
        slopes = []
        for c in range(3):
            step = torch.zeros_like(images[0])
            step[c, y, x] = 1e-6
            ahead, behind = (
                logit(model, images[n] + sign * step, labels[n]) for sign in (1, -1)
            )
            slopes.append(abs(ahead - behind) / 2e-6)
        assert maps[n, y, x].item() == pytest.approx(max(slopes), rel=1e-4)


def test_integrated_gradients_are_a_mean_of_gradients_on_the_way():
    model, (images, labels) = network().eval(), examples(2)
    steps = 400
    total = torch.zeros_like(images)
    for k in range(steps):
        x = (images * (k + 0.5) / steps).requires_grad_()
        logits = model(x).gather(1, labels[:, None])
        total += torch.autograd.grad(logits.sum(), x)[0] / steps
    expected = (images * total)[:, 0].abs()
    error = (integrated(model, images, labels) - expected).abs().mean()
    assert error < 0.1 * expected.mean()


def test_integrated_gradients_sum_to_the_difference_of_the_logits():
    model, (images, labels) = network().eval(), examples(3)
    signed = IntegratedGradients(model).attribute(images, target=labels, n_steps=32)
    torch.testing.assert_close(
        integrated(model, images, labels), signed[:, 0].abs().detach()
    )
    for n in range(3):
        black = torch.zeros_like(images[n])
        risen = logit(model, images[n], labels[n]) - logit(model, black, labels[n])
        assert signed[n].sum().item() == pytest.approx(risen, rel=0.1, abs=0.02)


def stage(model, image, label):
    """Output of the last stage for one image, and the logit's gradient there."""
    index = next(i for i, child in enumerate(model) if child is last_stage(model))
    activation = model[: index + 1](image[None]).detach().requires_grad_()
    head = model[index + 1 :](activation.clone())
    (slope,) = torch.autograd.grad(head[0, label], activation)
    return activation[0].detach().numpy(), slope[0].numpy()


def upsampled(coarse, side):
    """Bilinear interpolation between the centres of pixels, held at the borders."""
    where = (np.arange(side) + 0.5) * len(coarse) / side - 0.5
    where = np.clip(where, 0, len(coarse) - 1)
    grid = np.meshgrid(where, where, indexing="ij")
    return ndimage.map_coordinates(coarse, grid, order=1)


@families
def test_grad_cam_is_the_slow_loop(family):
    model, (images, labels) = network(family).eval(), examples(3)
    found = grad_cam(model, images, labels)
    for image, label, saliency in zip(images, labels, found, strict=True):
        activation, slope = stage(model, image, label)
        coarse = np.zeros(activation.shape[1:])
        for a, g in zip(activation, slope, strict=True):
            coarse += g.mean() * a
        expected = upsampled(np.maximum(coarse, 0), 16)
        np.testing.assert_allclose(saliency, expected, atol=1e-12)


@families
def test_grad_cam_plus_plus_is_the_slow_loop(family):
    model, (images, labels) = network(family).eval(), examples(3)
    found = grad_cam_plus_plus(model, images, labels)
    for image, label, saliency in zip(images, labels, found, strict=True):
        activation, slope = stage(model, image, label)
        coarse = np.zeros(activation.shape[1:])
        for a, g in zip(activation, slope, strict=True):
            weight = 0.0
            for value in g.flatten():
                if value > 0:
                    alpha = value**2 / (2 * value**2 + value**3 * a.sum())
                    weight += alpha * value
            coarse += weight * a
        expected = upsampled(np.maximum(coarse, 0), 16)
        np.testing.assert_allclose(saliency, expected, atol=1e-9)
    assert found.any()


def test_the_baselines_do_not_look():
    images, labels = examples(6)
    assert torch.equal(noise(None, images, labels), noise(None, images * 0, labels))
    maps = centre(None, images[..., :8], labels)
    for y, x in [(0, 0), (7, 3), (12, 6)]:
        squares = ((y - 7.5) / 4) ** 2 + ((x - 3.5) / 2) ** 2
        assert maps[5, y, x].item() == pytest.approx(np.exp(-squares / 2))


def test_the_last_stage_is_where_the_head_begins():
    for family, make in FAMILIES.items():
        model = make(seed=0)
        after = list(model)[list(model).index(last_stage(model)) + 1 :]
        assert not any(
            isinstance(m, nn.Conv2d) for child in after for m in child.modules()
        )
        assert isinstance(after[0], nn.MaxPool2d | nn.AdaptiveAvgPool2d), family
    resnet = get_model("resnet18", num_classes=3)
    assert last_stage(resnet) is resnet.layer4
    with pytest.raises(ValueError, match="none of the model's children"):
        last_stage(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)))


def test_in_single_precision_the_maps_are_nearly_the_same():
    model, (images, labels) = network(), examples()
    for draw in MAPS.values():
        double = draw(model, images, labels)
        single = draw(small_like(model), images.float(), labels)
        torch.testing.assert_close(single.double(), double, rtol=0.02, atol=0.02)


def small_like(model):
    copy = small_resnet(widths=(3, 4, 5), seed=0)
    copy.load_state_dict(model.float().state_dict())
    model.double()
    return copy
