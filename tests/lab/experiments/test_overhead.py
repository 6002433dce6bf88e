"""What a mask costs: that it is measured, and that memory stays within its limit."""

import gc
import time
from dataclasses import replace

import pytest
import torch
from torch import nn

from gradmask import GradientMask
from gradmask.lab.experiments import overhead, overhead_cuda
from gradmask.lab.measures.cost import interleaved, peak_bytes
from gradmask.lab.networks.small import small_resnet

CPU = torch.device("cpu")


def chain():
    """Three maps of 4 kB, of which two live at a time."""
    a = torch.zeros(1000)
    b = a.exp()
    del a
    return b.exp()


def test_peak_is_what_lives_at_once():
    assert peak_bytes(chain, CPU) == 8000


def leave_garbage():
    """Let a cycle hold what a measurement allocates."""
    cycle = []
    cycle.append(cycle)
    peak_bytes(lambda: cycle.append(torch.zeros(5000)), CPU)


def test_garbage_of_an_earlier_measurement_does_not_lower_the_peak():
    runs = []
    leave_garbage()

    def step():
        if runs:
            gc.collect()
        runs.append("before it is measured")
        return chain()

    gc.disable()
    try:
        assert peak_bytes(step, CPU) == 8000
    finally:
        gc.enable()


def test_what_an_earlier_measurement_left_may_be_released_in_a_later_one():
    left, runs = [], []
    peak_bytes(lambda: left.append(torch.zeros(5000)), CPU)

    def step():
        if runs:
            left.clear()
        runs.append("before it is measured")
        return chain()

    assert peak_bytes(step, CPU) == 8000


def test_steps_take_turns_and_their_time_is_measured():
    order = []

    def step(name, seconds):
        order.append(name)
        time.sleep(seconds)

    steps = {"a": lambda: step("a", 0), "b": lambda: step("b", 0.002)}
    times = interleaved(steps, 5, CPU)
    assert order[-10:] == ["a", "b"] * 5
    assert {name: len(t) for name, t in times.items()} == {"a": 5, "b": 5}
    assert min(times["b"]) >= 0.002


def test_every_variant_is_measured_beside_plain_training():
    rows = overhead.EXPERIMENT.smoke().run(0, CPU)
    names = [row["variant"] for row in rows]
    assert names == [*overhead.VARIANTS, "plain", "quality"]
    for row in rows:
        assert 0 < row["low"] <= row["ratio"] <= row["high"]
        assert row["peak_mb"] > 0
        if row["variant"] == "plain":
            assert row["low"] == row["high"] == 1


def test_compiled_and_captured_steps_are_measured_beside_plain_ones(monkeypatch):
    through, captured = [], []

    def compiled(model, **options):
        through.append((model, options["mode"]))
        assert options["fullgraph"]
        return model

    monkeypatch.setattr(torch, "compile", compiled)
    monkeypatch.setattr(
        overhead_cuda, "captured", lambda step: captured.append(step) or step
    )
    smoke = replace(
        overhead_cuda.EXPERIMENT.smoke(),
        networks={},
        compiled={"small ResNet": (4, 1, 28, 28)},
    )
    rows = smoke.run(0, CPU)
    measured = [(row["measured"], row["variant"]) for row in rows]
    ways = "compiled", "compiled, fewer launches"
    expected = [
        (f"training step, {way}", variant)
        for way in ways
        for variant in smoke.compiled_variants
    ]
    expected += [("training step, captured", variant) for variant in smoke.variants]
    assert measured == expected
    assert [mode for _, mode in through] == ["default"] * 3 + ["reduce-overhead"] * 3
    assert len(captured) == len(smoke.variants)
    activations = [
        m for net, _ in through for m in net.modules() if isinstance(m, nn.ReLU)
    ]
    assert activations
    assert not any(module.inplace for module in activations)


@pytest.fixture(scope="module")
def peaks():
    batch = torch.rand(16, 1, 28, 28), torch.arange(16) % 10
    steps = overhead.training_steps(small_resnet(seed=0), batch)
    return {name: peak_bytes(step, CPU) for name, step in steps.items()}


OURS = [name for name in overhead.VARIANTS if "hook" not in name]


@pytest.mark.parametrize("name", OURS)
def test_a_mask_holds_at_most_a_twentieth_more_memory(peaks, name):
    assert peaks[name] <= 1.05 * peaks["plain"]


def test_the_floor_masks_where_the_mask_does():
    floor, mask = overhead.Floor(1.0, size=5), GradientMask(1.0, size=5)
    for side in (4, 5, 12):
        delta = torch.rand(2, 3, side, side)
        assert (floor.mask(delta) is None) == (mask.mask(delta) is None)
