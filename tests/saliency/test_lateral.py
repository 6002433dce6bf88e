"""Lateral saliency: the map."""

import contextlib

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gradmask import GradientMask, laplacian_of_gaussian
from gradmask.saliency import lateral_saliency


class Residual(nn.Module):
    """Every activation here is a trap: shared, in place, twice used, after a branch."""

    def __init__(self, inplace=True):
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.shared = nn.ReLU(inplace)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.tanh = nn.Tanh()
        self.soft = nn.SiLU()
        self.small = nn.ReLU()
        self.drop = nn.Dropout()
        self.head = nn.Sequential(nn.Linear(36, 8), nn.ReLU(), nn.Linear(8, 3))

    def stages(self, x):
        """Input of every activation, in order, then the logits."""
        a = self.norm(self.first(x))
        b = F.relu(a)
        c = self.second(b) + b
        d = F.relu(c)
        e = self.tanh(F.avg_pool2d(d, 2))
        own = e.clone()  # the activation's share of an error that two branches send
        f = F.adaptive_avg_pool2d(F.silu(own) + e, 3)
        return (a, c, own, f), self.head(self.drop(F.relu(f)).flatten(1))

    def forward(self, x):
        b = self.shared(self.norm(self.first(x)))
        d = self.shared(self.second(b) + b)
        e = self.tanh(F.avg_pool2d(d, 2))
        f = F.adaptive_avg_pool2d(self.soft(e) + e, 3)
        return self.head(self.drop(self.small(f)).flatten(1))


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = Residual().double()
    model(torch.randn(8, 2, 12, 10, dtype=torch.float64))  # running statistics
    return model


@pytest.fixture
def x():
    return torch.randn(3, 2, 12, 10, dtype=torch.float64, generator=seeded())


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


def slow_saliency(model, x, targets, kernel):
    """NumPy, one image and one position at a time, from explicit intermediates."""
    kernel = kernel.double().numpy()
    margin = len(kernel) // 2
    height, width = x.shape[2:]
    result = np.zeros((len(x), height, width))
    for image in range(len(x)):
        one = x[image : image + 1].clone().requires_grad_()
        stages, logits = model.eval().stages(one)
        deltas = torch.autograd.grad(logits[0, targets[image]], stages)
        for delta in deltas:
            energy = np.sqrt((delta[0].numpy() ** 2).sum(0))
            if min(energy.shape) < len(kernel):
                continue
            padded = np.pad(energy, margin, mode="reflect")
            positive = np.zeros_like(energy)
            for i, j in np.ndindex(*energy.shape):
                window = padded[i : i + len(kernel), j : j + len(kernel)]
                positive[i, j] = max((window * kernel).sum(), 0)
            result[image] += slow_bilinear(positive, height, width)
        result[image] -= result[image].min()
        result[image] /= result[image].max()
    return result


def slow_bilinear(a, height, width):
    def axis(n, m):
        weights = np.zeros((m, n))
        for i in range(m):
            at = max((i + 0.5) * n / m - 0.5, 0)
            low = min(int(at), n - 1)
            weights[i, low] += 1 - (at - low)
            weights[i, min(low + 1, n - 1)] += at - low
        return weights

    return axis(a.shape[0], height) @ a @ axis(a.shape[1], width).T


@pytest.mark.parametrize("inplace", [True, False])
@pytest.mark.parametrize("size", [3, 5])
def test_it_equals_the_slow_map(model, x, inplace, size):
    model.shared.inplace = inplace
    kernel = laplacian_of_gaussian(0.8, size=size, dtype=torch.float64)
    targets = [2, 0, 1]
    ours = lateral_saliency(model, x, torch.tensor(targets), kernel=kernel)
    oracle = slow_saliency(model, x, targets, kernel)
    np.testing.assert_allclose(ours.numpy(), oracle, atol=1e-12)


def test_each_image_alone_gives_the_same(model, x):
    together = lateral_saliency(model, x)
    alone = [lateral_saliency(model, x[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-12, rtol=0)


def test_the_default_kernel(model, x):
    kernel = laplacian_of_gaussian(1.0, size=5, dtype=torch.float64)
    explicit = lateral_saliency(model, x, kernel=kernel)
    assert torch.equal(lateral_saliency(model, x), explicit)


def test_the_default_target_is_the_predicted_class(model, x):
    predicted = model.eval()(x).argmax(1)
    expected = lateral_saliency(model, x, predicted)
    assert torch.equal(lateral_saliency(model, x), expected)


def test_one_target_for_all(model, x):
    expected = lateral_saliency(model, x, torch.tensor([1, 1, 1]))
    assert torch.equal(lateral_saliency(model, x, 1), expected)
    assert torch.equal(lateral_saliency(model, x, torch.tensor(1)), expected)
    assert not torch.equal(lateral_saliency(model, x, 0), expected)


def test_shape_range_and_graph(model, x):
    saliency = lateral_saliency(model, x)
    assert saliency.shape == (3, 12, 10)
    assert not saliency.requires_grad
    assert torch.equal(saliency.amin((1, 2)), torch.zeros(3, dtype=torch.float64))
    assert torch.equal(saliency.amax((1, 2)), torch.ones(3, dtype=torch.float64))


def test_layers_choose_and_others_are_taken_at_their_output(model, x):
    by_name = lateral_saliency(model, x, layers=["shared", "soft"])
    by_type = lateral_saliency(model, x, layers=(nn.ReLU, nn.SiLU))
    by_rule = lateral_saliency(model, x, layers=lambda _, m: isinstance(m, nn.SiLU))
    torch.testing.assert_close(by_name, by_type)  # `small` is too small to matter
    assert torch.equal(by_rule, lateral_saliency(model, x, layers="soft"))
    at_output = lateral_saliency(model, x, layers="tanh")
    assert not torch.allclose(at_output, by_rule)  # the share of both branches
    chain = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Tanh(), nn.SiLU(), nn.Flatten())
    both = [lateral_saliency(chain.double(), x, 7, layers=name) for name in ("1", "2")]
    torch.testing.assert_close(*both)


def test_a_single_bright_spot_by_hand():
    class Spot(nn.Module):
        def __init__(self):
            super().__init__()
            self.relu = nn.ReLU()
            self.register_buffer("weight", torch.zeros(1, 1, 7, 7))
            self.weight[..., 2, 4] = 3

        def forward(self, x):
            return (self.relu(x) * self.weight).sum((2, 3))

    kernel = torch.tensor([[-1.0, -1, -1], [-1, 8, -1], [-1, -1, -1]])
    expected = torch.zeros(2, 7, 7)
    expected[0, 2, 4] = 1
    x = torch.ones(2, 1, 7, 7)
    x[1] = -1  # here the ReLU lets nothing through, but its input's error is meant
    assert torch.equal(lateral_saliency(Spot(), x, kernel=kernel), expected)


def test_a_flat_error_is_not_salient():
    def flat(dtype):
        model = nn.Sequential(nn.Softplus(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        x = torch.full((1, 3, 31, 29), 0.37, dtype=dtype)
        wide = laplacian_of_gaussian(3.0, dtype=torch.float32)
        return [lateral_saliency(model, x, kernel=kernel) for kernel in (None, wide)]

    for dtype in (torch.float32, torch.float64):
        assert not torch.cat(flat(dtype)).any()


def test_non_finite_errors_are_not_hidden(model, x):
    x[1, 0, 5, 5] = torch.nan
    saliency = lateral_saliency(model, x, 0)
    assert saliency[1].isnan().any()
    assert saliency[[0, 2]].isfinite().all()


@pytest.mark.parametrize("ambient", [torch.no_grad, torch.inference_mode])
def test_it_leaves_no_trace(model, x, ambient):
    model.train()
    model.norm.eval()
    modes = {name: module.training for name, module in model.named_modules()}
    state = {name: t.clone() for name, t in model.state_dict().items()}
    model(x).sum().backward()
    state = {name: t.clone() for name, t in model.state_dict().items()}
    grads = [p.grad.clone() for p in model.parameters()]
    random, before = torch.get_rng_state(), x.clone()
    expected = lateral_saliency(model, x)
    with ambient():
        assert torch.equal(lateral_saliency(model, x), expected)
    with contextlib.suppress(ValueError):
        lateral_saliency(model, x, target=99)
    assert {n: m.training for n, m in model.named_modules()} == modes
    assert all(torch.equal(t, state[name]) for name, t in model.state_dict().items())
    assert all(map(torch.equal, grads, (p.grad for p in model.parameters())))
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.equal(x, before)
    assert x.grad is None
    assert not x.requires_grad
    assert not any(m._forward_pre_hooks or m._forward_hooks for m in model.modules())


def test_images_may_be_inference_tensors_and_parameters_frozen(model, x):
    expected = lateral_saliency(model, x)
    model.requires_grad_(False)
    with torch.inference_mode():
        inference = x.clone()
    assert torch.equal(lateral_saliency(model, inference), expected)


@pytest.mark.parametrize("route", ["signal", "weights"])
def test_an_attached_mask_changes_nothing(model, x, route):
    expected = lateral_saliency(model, x)
    with GradientMask(sigma=0.5, route=route).attach(model.train()):
        assert torch.equal(lateral_saliency(model, x), expected)


def test_a_compiled_network_is_seen(model, x):
    expected = lateral_saliency(model, x)
    compiled = torch.compile(model, backend="eager")
    compiled.eval()(x.clone().requires_grad_())
    assert torch.equal(lateral_saliency(compiled, x), expected)
    torch.compiler.reset()


def test_half_precision_is_filtered_in_float32():
    class Weighted(nn.Module):
        def __init__(self, weight):
            super().__init__()
            self.relu = nn.ReLU()
            self.register_buffer("weight", weight)

        def forward(self, x):
            return (self.relu(x) * self.weight).sum((2, 3))

    weight = torch.randn(1, 1, 9, 9, generator=seeded()).bfloat16()
    exact = lateral_saliency(Weighted(weight.double()), torch.ones(1, 1, 9, 9).double())
    for model in (Weighted(weight), Weighted(weight.float())):
        x = torch.ones(1, 1, 9, 9, dtype=model.weight.dtype)
        with torch.autocast("cpu", torch.bfloat16):
            saliency = lateral_saliency(model, x)
        assert saliency.dtype == torch.float32
        torch.testing.assert_close(saliency, exact.float())


def test_an_in_place_activation_may_come_first(x):
    model = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(2, 3, 12), nn.Flatten())
    before = x.clone()
    assert lateral_saliency(model.double(), x[..., :10].repeat(1, 1, 1, 2)).any()
    assert torch.equal(x, before)


def test_no_images(model, x):
    assert lateral_saliency(model, x[:0]).shape == (0, 12, 10)
    assert lateral_saliency(model.half(), x[:0].half()).dtype == torch.float32


def test_activations_behind_a_linear_layer_are_not_maps(x):
    class ChannelsLast(nn.Sequential):
        def forward(self, x):
            return super().forward(x.permute(0, 2, 3, 1)).mean((1, 2))

    perceptron = nn.Sequential(nn.Linear(2, 8), nn.GELU(), nn.Linear(8, 3))
    with pytest.raises(ValueError, match="no module matches"):
        lateral_saliency(ChannelsLast(perceptron).double(), x)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": torch.zeros(2, 12, 10)}, r"shape \(B, C, H, W\)"),
        ({"x": torch.zeros(1, 2, 12, 10).long()}, "floating-point"),
        ({"layers": nn.PReLU}, "BatchNorm2d.*F.relu"),
        ({"layers": "nowhere"}, "no module named 'nowhere'"),
        ({"layers": "small"}, "none of small has a feature map as large as the 5x5"),
        ({"target": 3}, "0 ... 2"),
        ({"target": -1}, "0 ... 2"),
        ({"target": 1.0}, "integer"),
        ({"target": True}, "integer"),
        ({"target": torch.zeros(2, dtype=int)}, "one index or 3"),
    ],
)
def test_errors(model, x, change, message):
    with pytest.raises(ValueError, match=message):
        lateral_saliency(**({"model": model, "x": x} | change))


def test_a_model_without_logits_is_refused(x):
    with pytest.raises(ValueError, match=r"logits of shape \(B, K\)"):
        lateral_saliency(nn.Sequential(nn.ReLU()), x)
