"""Per-sample gradients against one backward pass for each sample."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import gradmask as gm
from gradmask.quality import per_sample_gradients


class Residual(nn.Module):
    """Branches, a normalisation, an in-place activation and a weight used twice."""

    def __init__(self, norm):
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 3, padding=1)
        self.norm = norm
        self.body = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.head = nn.Linear(4, 5)

    def forward(self, x):
        h = self.relu(self.norm(self.stem(x)))
        h = self.relu(h + self.body(self.body(h)))
        return self.head(h.mean((2, 3)))


NETWORKS = {
    "none": lambda: Residual(nn.Identity()),
    "group norm": lambda: Residual(nn.GroupNorm(2, 4)),
    "instance norm": lambda: Residual(nn.InstanceNorm2d(4, affine=True)),
    "batch norm": lambda: trained(Residual(nn.BatchNorm2d(4))),
    "strided": lambda: nn.Sequential(
        nn.Conv2d(2, 4, 3, 2, groups=2), nn.SiLU(), nn.Flatten(), nn.Linear(36, 5)
    ),
    "spectral": lambda: nn.Sequential(
        nn.utils.parametrizations.spectral_norm(nn.Conv2d(2, 4, 3)),
        nn.Flatten(),
        nn.Linear(144, 5),
    ).eval(),
}


def trained(model):
    for _ in range(3):
        model(torch.randn(8, 2, 8, 8))
    return model.eval()


def batch(size=6, dtype=torch.float64):
    return torch.randn(size, 2, 8, 8, dtype=dtype), torch.arange(size) % 5


def loop(model, x, y):
    """One plain backward pass for each sample."""
    names, parameters = zip(*model.named_parameters(), strict=True)
    each = [
        torch.autograd.grad(F.cross_entropy(model(x[i, None]), y[i, None]), parameters)
        for i in range(len(x))
    ]
    return dict(zip(names, map(torch.stack, zip(*each, strict=True)), strict=True))


def assert_same(ours, expected):
    assert ours.keys() == expected.keys()
    for name, g in ours.items():
        assert g.dtype == expected[name].dtype
        assert torch.allclose(g, expected[name]), name


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("chunk_size", [1, 4, 32])
def test_equals_the_loop(network, chunk_size):
    model = NETWORKS[network]().double()
    x, y = batch()
    ours = per_sample_gradients(model, F.cross_entropy, x, y, chunk_size=chunk_size)
    assert_same(ours, loop(model, x, y))


def test_equals_the_loop_on_every_device(device):
    model = NETWORKS["group norm"]().to(device)
    x, y = (t.to(device) for t in batch(dtype=torch.float32))
    ours = per_sample_gradients(model, F.cross_entropy, x, y)
    expected = loop(model, x, y)
    assert all(torch.allclose(ours[n], expected[n], atol=1e-5) for n in expected)


@pytest.mark.parametrize("route", ["signal", "weights"])
def test_an_attached_mask_acts_as_in_training(route):
    model = NETWORKS["group norm"]().double()
    x, y = batch()
    plain = per_sample_gradients(model, F.cross_entropy, x, y)
    with gm.GradientMask(sigma=1.0, size=5, route=route).attach(model) as handle:
        masked = per_sample_gradients(model, F.cross_entropy, x, y)
        assert_same(masked, loop(model, x, y))
        assert not torch.allclose(masked["stem.weight"], plain["stem.weight"])
        with handle.paused():
            assert_same(per_sample_gradients(model, F.cross_entropy, x, y), plain)


def test_the_mean_is_the_batch_gradient():
    model = NETWORKS["batch norm"]().double()
    x, y = batch()
    expected = torch.autograd.grad(F.cross_entropy(model(x), y), model.stem.weight)[0]
    ours = per_sample_gradients(model, F.cross_entropy, x, y)["stem.weight"]
    assert torch.allclose(ours.mean(0), expected)


def test_compiled_networks_are_measured_and_stay_compiled():
    runs = []

    def backend(graph, inputs):
        return lambda *args: runs.append(1) or graph(*args)

    model = NETWORKS["none"]().double()
    x, y = batch()
    expected = loop(model, x, y)
    compiled = torch.compile(copy.deepcopy(model), backend=backend)
    compiled(x)
    ours = per_sample_gradients(compiled, F.cross_entropy, x, y)
    assert_same({n.removeprefix("_orig_mod."): g for n, g in ours.items()}, expected)
    assert len(runs) == 1
    compiled(x)
    assert len(runs) == 2


class Gate(nn.Module):
    """Control flow that depends on the data."""

    def forward(self, x):
        return x if x.sum() > 0 else 2 * x


def test_one_at_a_time_does_without_vmap():
    model = nn.Sequential(Gate(), nn.Flatten(), nn.Linear(128, 5)).double()
    x, y = batch()
    with pytest.raises(RuntimeError, match="control flow") as raised:
        per_sample_gradients(model, F.cross_entropy, x, y)
    assert "chunk_size=1" in raised.value.__notes__[0]
    ours = per_sample_gradients(model, F.cross_entropy, x, y, chunk_size=1)
    assert_same(ours, loop(model, x, y))


def test_only_what_requires_grad():
    model = NETWORKS["none"]()
    model.stem.requires_grad_(False)
    x, y = batch(dtype=torch.float32)
    ours = per_sample_gradients(model, F.cross_entropy, x, y)
    assert ours.keys() == {"body.weight", "head.weight", "head.bias"}
    model.requires_grad_(False)
    with pytest.raises(ValueError, match="no parameter that requires grad"):
        per_sample_gradients(model, F.cross_entropy, x, y)


def test_an_unused_parameter_has_zero_gradients():
    model = NETWORKS["none"]()
    model.spare = nn.Parameter(torch.ones(3))
    ours = per_sample_gradients(model, F.cross_entropy, *batch(dtype=torch.float32))
    assert ours["spare"].tolist() == [[0, 0, 0]] * 6


def test_nothing_is_left_behind():
    model = NETWORKS["spectral"]().train()
    model.append(nn.Dropout())
    x, y = batch(dtype=torch.float32)
    F.cross_entropy(model(x), y).backward()
    state = copy.deepcopy(model.state_dict())
    gradients = [p.grad.clone() for p in model.parameters()]
    modes = [m.training for m in model.modules()]
    random = torch.get_rng_state()
    per_sample_gradients(model, F.cross_entropy, x, y)
    assert all(torch.equal(state[n], t) for n, t in model.state_dict().items())
    for p, g in zip(model.parameters(), gradients, strict=True):
        assert torch.equal(p.grad, g)
    assert [m.training for m in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), random)


def test_dropout_draws_for_each_sample():
    model = nn.Sequential(nn.Dropout(0.5), nn.Linear(64, 2))
    x, y = torch.ones(8, 64), torch.zeros(8, dtype=torch.long)
    for chunk_size in (1, 8):
        grads = per_sample_gradients(
            model, F.cross_entropy, x, y, chunk_size=chunk_size
        )
        zeros = grads["1.weight"][:, 0] == 0
        assert len(set(map(tuple, zeros.tolist()))) == 8


@pytest.mark.parametrize(
    ("norm", "training", "message"),
    [
        (nn.BatchNorm2d(4), True, r"norm \(BatchNorm2d\) normalises .*module.eval"),
        (nn.SyncBatchNorm(4), True, r"norm \(SyncBatchNorm\) normalises"),
        (nn.BatchNorm2d(4, track_running_stats=False), False, "GroupNorm"),
        (nn.InstanceNorm2d(4, track_running_stats=True), True, "averages"),
    ],
)
def test_a_module_that_mixes_samples_is_refused_by_name(norm, training, message):
    model = Residual(norm).train(training)
    with pytest.raises(ValueError, match=message):
        per_sample_gradients(model, F.cross_entropy, *batch(dtype=torch.float32))
    with pytest.raises(ValueError, match="the model"):
        per_sample_gradients(norm, F.mse_loss, *batch(dtype=torch.float32))


def test_a_wrapper_is_refused():
    model = nn.DataParallel(nn.Linear(2, 2))
    with pytest.raises(ValueError, match=r"model\.module"):
        per_sample_gradients(model, F.mse_loss, torch.ones(2, 2), torch.ones(2, 2))


def test_frozen_normalisations_are_welcome():
    norm = nn.InstanceNorm2d(4, track_running_stats=True).eval()
    model = Residual(norm).double()
    norm.eval()
    x, y = batch()
    assert_same(per_sample_gradients(model, F.cross_entropy, x, y), loop(model, x, y))


def test_the_bound_on_memory_says_what_is_needed():
    model = nn.Linear(1024, 256, bias=False)
    x, y = torch.randn(8, 1024), torch.arange(8)
    needed = (8 + 4) * 2**20
    ours = per_sample_gradients(
        model, F.cross_entropy, x, y, chunk_size=4, max_bytes=needed
    )
    assert ours["weight"].shape == (8, 256, 1024)
    with pytest.raises(ValueError, match=r"need 12 MiB \(1 MiB a sample\)"):
        per_sample_gradients(
            model, F.cross_entropy, x, y, chunk_size=4, max_bytes=needed - 1
        )
    with pytest.raises(ValueError, match=r"need 16 MiB .* max_bytes = 1000 bytes"):
        per_sample_gradients(model, F.cross_entropy, x, y, max_bytes=1000)
    with pytest.raises(ValueError, match=r"2\.5 GiB"):
        per_sample_gradients(
            model, F.cross_entropy, x.repeat(160, 1), y.repeat(160), chunk_size=1280
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": torch.arange(5)}, "x has 6 samples and y has 5"),
        ({"chunk_size": 0}, "chunk_size must be at least 1"),
        ({"loss_fn": nn.MSELoss(reduction="none"), "y": torch.ones(6, 5)}, "scalar"),
    ],
)
def test_what_is_refused(change, message):
    x, y = batch(dtype=torch.float32)
    given = {"loss_fn": F.cross_entropy, "x": x, "y": y, **change}
    with pytest.raises(ValueError, match=message):
        per_sample_gradients(NETWORKS["none"](), **given)


def test_a_loss_without_reduction_is_a_scalar_for_one_sample():
    model, (x, y) = NETWORKS["none"]().double(), batch()
    loss_fn = nn.CrossEntropyLoss(reduction="none")
    assert_same(per_sample_gradients(model, loss_fn, x, y), loop(model, x, y))


def test_an_empty_batch_passes():
    x, y = batch(dtype=torch.float32)
    ours = per_sample_gradients(NETWORKS["none"](), F.cross_entropy, x[:0], y[:0])
    assert ours["stem.weight"].shape == (0, 4, 2, 3, 3)
