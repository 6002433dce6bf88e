"""The training loop, the networks, the probe and the statistics around them."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from torch import nn

import gradmask as gm
from gradmask.lab import settings as knob
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.images import ImageSet
from gradmask.lab.measures.accuracy import evaluate, scored
from gradmask.lab.networks.inspection import error_signals
from gradmask.lab.networks.small import FAMILIES, Normalise, small_resnet
from gradmask.lab.reports.stats import mean_interval, paired_difference
from gradmask.lab.training.loop import Pass, finish, stages, train


@pytest.fixture(scope="module")
def tiny() -> ImageSet:
    return load_fashion_mnist().train[:128]


def begun(tiny: ImageSet, **options: object) -> tuple[nn.Module, Iterator[Pass]]:
    model = small_resnet(widths=(8, 8), seed=3)
    options = {"epochs": 2, "seed": 0, "batch_size": 32} | options
    return model, train(model, tiny, **options)


def trained(tiny: ImageSet, **options: object) -> nn.Module:
    model, passes = begun(tiny, **options)
    finish(passes)
    return model


def test_training_is_deterministic_in_its_seed(tiny):
    first, second, other = (trained(tiny, seed=seed) for seed in (0, 0, 1))
    pairs = list(zip(first.parameters(), second.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    pairs = list(zip(first.parameters(), other.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in pairs)


def test_training_learns_what_it_is_shown(tiny):
    model, passes = begun(tiny, epochs=15)
    first, *_, last = scored(passes, model, tiny, tiny)
    assert last.train.loss < 0.7 * first.train.loss
    assert last.train.accuracy > 0.5


def test_training_is_the_plain_loop_written_out(tiny):
    ours, passes = begun(tiny, epochs=1)
    once = finish(passes)
    model = small_resnet(widths=(8, 8), seed=3)
    model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        model.parameters(), 0.05, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=4)
    order = torch.randperm(128, generator=torch.Generator().manual_seed(0))
    losses = []
    for batch in order.split(32):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(tiny.images[batch]), tiny.labels[batch])
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    assert evaluate(ours, tiny) == evaluate(model, tiny)
    assert once.number == 1
    assert once.loss == pytest.approx(np.mean(losses))


def test_an_inhibition_changes_training_and_is_gone_afterwards(tiny):
    plain = trained(tiny)
    masked = trained(tiny, inhibition=gm.GradientMask(1.0))
    pairs = list(zip(plain.parameters(), masked.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in pairs)
    assert not any(m._forward_pre_hooks for m in masked.modules())


def test_a_score_follows_every_pass(tiny):
    model, passes = begun(tiny, epochs=3)
    other = load_fashion_mnist().validation[:50]
    seen = []
    for epoch in scored(passes, model, tiny, other):
        assert epoch.train == evaluate(model, tiny)
        assert epoch.validation == evaluate(model, other)
        seen.append(epoch.number)
    assert seen == [1, 2, 3]


def test_nothing_is_trained_before_the_first_pass_is_asked_for(tiny):
    model, passes = begun(tiny, epochs=2)
    fresh = small_resnet(widths=(8, 8), seed=3)
    seen = []
    for number in stages(passes):
        seen.append((number, [p.detach().clone() for p in model.parameters()]))
    assert [number for number, _ in seen] == [0, 1, 2]
    assert all(map(torch.equal, seen[0][1], fresh.parameters()))
    assert not any(map(torch.equal, seen[0][1], seen[1][1]))
    assert all(map(torch.equal, seen[2][1], model.parameters()))


def test_the_mask_of_a_pass_is_attached_until_the_next(tiny):
    model, passes = begun(tiny, inhibition=gm.GradientMask(1.0))
    attached = [any(m._forward_pre_hooks for m in model.modules()) for _ in passes]
    assert attached == [True, True]
    assert not any(m._forward_pre_hooks for m in model.modules())


def test_a_killed_training_goes_on_behind_its_last_whole_pass(tiny, tmp_path):
    whole = trained(tiny, epochs=3)
    path = tmp_path / "state.pt"
    _, passes = begun(tiny, epochs=3, checkpoint=path)
    next(passes)
    passes.close()
    model, passes = begun(tiny, epochs=3, checkpoint=path)
    assert [one.number for one in passes] == [2, 3]
    assert all(map(torch.equal, whole.parameters(), model.parameters()))
    assert all(map(torch.equal, whole.buffers(), model.buffers()))
    _, passes = begun(tiny, epochs=3, checkpoint=path)
    assert list(passes) == []
    assert [p.name for p in tmp_path.iterdir()] == ["state.pt"]


def test_fewer_images_than_a_batch_are_refused(tiny):
    with pytest.raises(ValueError, match="128 training images are fewer than a batch"):
        trained(tiny, batch_size=129)


def test_augmented_batches_are_trained_on_with_the_model_as_it_is(tiny):
    seen = []

    def augment(model, batch):
        images, labels = batch.images, batch.labels
        seen.append((model.training, labels))
        model.eval()
        flipped = images.flip(3)
        with torch.no_grad():
            soft = 0.5 * F.one_hot(labels, 10) + 0.5 * model(flipped).softmax(1)
        model.train()
        return flipped, soft

    model = trained(tiny, epochs=1, augment=augment)
    twin = small_resnet(widths=(8, 8), seed=3)
    optimizer = torch.optim.SGD(
        twin.parameters(), 0.05, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=4)
    order = torch.randperm(128, generator=torch.Generator().manual_seed(0))
    for batch, (training, labels) in zip(order.split(32), seen, strict=True):
        assert training
        assert torch.equal(labels, tiny.labels[batch])
        images = tiny.images[batch].flip(3)
        with torch.no_grad():
            predicted = twin.eval()(images).softmax(1)
        optimizer.zero_grad()
        log = F.log_softmax(twin.train()(images), 1)
        target = (F.one_hot(tiny.labels[batch], 10) + predicted) / 2
        (-(target * log).sum(1).mean()).backward()
        optimizer.step()
        schedule.step()
    for ours, expected in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-4)


def test_an_augmentation_that_changes_nothing_changes_nothing(tiny):
    plain = trained(tiny)
    other = trained(tiny, augment=lambda model, batch: (batch.images, batch.labels))
    assert all(map(torch.equal, plain.parameters(), other.parameters()))


def test_evaluate_agrees_with_a_loop_and_restores_the_mode(tiny):
    model = small_resnet(widths=(8, 8), seed=0).train()
    before = [buffer.clone() for buffer in model.buffers()]
    score = evaluate(model, tiny, batch_size=50)
    assert model.training
    assert all(map(torch.equal, before, model.buffers()))

    model.eval()
    with torch.no_grad():
        logits = [model(image[None])[0].double() for image in tiny.images]
    losses = [
        math.log(sum(math.exp(v) for v in row)) - row[label].item()
        for row, label in zip(logits, tiny.labels, strict=True)
    ]
    hits = [row.argmax() == y for row, y in zip(logits, tiny.labels, strict=True)]
    assert score.loss == pytest.approx(np.mean(losses), rel=1e-4)
    assert score.accuracy == pytest.approx(np.mean(hits))


def test_a_network_is_made_by_its_seed_and_leaves_the_random_state_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, two = small_resnet(seed=1), small_resnet(seed=1)
    assert torch.equal(torch.rand(3), expected)
    pairs = zip(one.parameters(), two.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_a_network_takes_any_size_and_halves_its_map_twice():
    model = small_resnet(seed=0)
    shapes = []
    model[5].register_forward_hook(lambda m, i, o: shapes.append(tuple(o.shape)))
    assert model(torch.rand(2, 1, 32, 32)).shape == (2, 10)
    assert shapes == [(2, 48, 8, 8)]


@pytest.mark.parametrize("build", FAMILIES.values(), ids=FAMILIES)
def test_a_family_takes_images_of_any_size_and_trains_every_weight(build):
    model = build(seed=0)
    for size in (28, 32):
        logits = model(torch.rand(3, 1, size, size))
        assert logits.shape == (3, 10)
    logits.square().sum().backward()
    assert all(p.grad.abs().max() > 0 for p in model.parameters())
    same = zip(build(seed=0).parameters(), model.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)
    assert sum(p.numel() for p in model.parameters()) < 100_000


def test_normalise_is_part_of_the_state():
    layer = Normalise(0.5, 2.0)
    assert layer(torch.tensor([2.5])).item() == 1.0
    assert set(layer.state_dict()) == {"mean", "std"}


def test_error_signals_are_those_of_autograd(tiny):
    model = small_resnet(widths=(8, 8), seed=0).eval()
    errors = error_signals(model, tiny.images[:4], tiny.labels[:4])
    assert list(errors) == ["2", "3.body.1", "3.activation", "4.body.1", "4.activation"]
    assert all(p.grad is None for p in model.parameters())

    z = model[:2](tiny.images[:4]).detach().requires_grad_()
    loss = F.cross_entropy(model[2:](z.clone()), tiny.labels[:4])
    torch.testing.assert_close(errors["2"], torch.autograd.grad(loss, z)[0])


def test_intervals_agree_with_the_textbook_and_scipy():
    values = [0.3, 0.9, 0.4, 0.8]
    mean, low, high = mean_interval(values)
    half = stats.t.ppf(0.975, 3) * np.std(values, ddof=1) / 2
    assert (mean, low, high) == pytest.approx((0.6, 0.6 - half, 0.6 + half))

    baseline = [0.1, 0.6, 0.5, 0.2]
    interval = paired_difference(values, baseline)
    reference = stats.ttest_rel(values, baseline).confidence_interval()
    assert interval[1:] == pytest.approx(tuple(reference))


def test_an_interval_covers_the_mean_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(1.0, 2.0, (4000, 3))
    intervals = [mean_interval(list(row)) for row in draws]
    covered = np.mean([low <= 1.0 <= high for _, low, high in intervals])
    assert abs(covered - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 4000)


def test_intervals_say_when_they_exclude_zero():
    assert paired_difference([2.0, 2.1, 2.2], [1.0, 1.0, 1.1]).excludes_zero
    assert not paired_difference([2.0, 0.1], [1.0, 1.0]).excludes_zero
    assert mean_interval([1.0, 1.0]) == (1.0, 1.0, 1.0)


def test_an_interval_needs_two_pairs_of_equal_length():
    with pytest.raises(ValueError, match="at least two seeds, got 1"):
        mean_interval([1.0])
    with pytest.raises(ValueError, match="shorter"):
        paired_difference([1.0, 2.0], [1.0])


def test_the_budget_is_read_from_the_environment(monkeypatch):
    choices = {"smoke": 1, "laptop": 2, "gpu": 3}
    for name, value in choices.items():
        monkeypatch.setenv("GRADMASK_BUDGET", name)
        assert knob.active_budget() == name
        assert knob.budget(**choices) == value
    monkeypatch.delenv("GRADMASK_BUDGET")
    assert knob.active_budget() == "laptop"
    monkeypatch.setenv("GRADMASK_BUDGET", "huge")
    with pytest.raises(ValueError, match="'huge'"):
        knob.budget(**choices)


def test_the_device_is_one_that_this_machine_has():
    assert torch.zeros(1, device=knob.find_device()).item() == 0


@pytest.mark.parametrize("able", [True, False])
def test_a_processor_with_units_for_it_trains_in_half_precision(
    tiny, monkeypatch, able
):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: able)
    seen = set()
    model, passes = begun(tiny, epochs=1, fast=True)
    conv = next(m for m in model.modules() if isinstance(m, nn.Conv2d))
    conv.register_forward_hook(lambda m, i, out: seen.add(out.dtype))
    last = finish(passes)
    assert seen == {torch.bfloat16 if able else torch.float32}
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    exact = finish(begun(tiny, epochs=1)[1])
    assert last.loss == pytest.approx(exact.loss, rel=0.02)
    assert (last.loss == exact.loss) is not able


def test_graphics_cards_multiply_halves_and_others_are_asked(monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    found = {
        kind: knob.multiplies_halves(torch.device(kind))
        for kind in ("cuda", "cpu", "mps")
    }
    assert found == {"cuda": True, "cpu": False, "mps": False}
