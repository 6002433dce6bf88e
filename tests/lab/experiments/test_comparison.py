"""The table of comparisons, and a comparison on its smallest budget."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from gradmask import GradientMask, QualityMonitor
from gradmask.lab.experiments import images
from gradmask.lab.experiments.comparison import Comparison
from gradmask.lab.experiments.images import FashionImages, SceneImages, StripedImages
from gradmask.lab.experiments.levels import Levels
from gradmask.lab.experiments.registry import experiment, names
from gradmask.lab.networks.small import small_cnn
from gradmask.lab.reports import comparison
from gradmask.lab.training.variants import (
    CONTROLS,
    MASKS,
    PLAIN,
    Phase,
    Variant,
    plans,
    with_controls,
)

TABLE = [e for e in map(experiment, names()) if isinstance(e, Comparison)]
CPU = torch.device("cpu")
SMALL = Comparison(
    name="small",
    question="Does it work?",
    variants=(PLAIN, Variant("signal", MASKS["signal"])),
    schedules=(7,),
).smoke()

each = pytest.mark.parametrize("asked", TABLE, ids=lambda one: one.name)


@pytest.fixture(scope="module")
def rows():
    return SMALL.run(0, CPU)


def test_a_comparison_measures_every_schedule_and_variant(rows):
    plans = [(row["variant"], row["epochs"]) for row in rows]
    assert plans == [("plain", 1), ("plain", 2), ("signal", 2)]
    assert len({tuple(row) for row in rows}) == 1
    for row in rows:
        for key, value in row.items():
            if isinstance(value, float):
                assert math.isfinite(value), key
            if key.split()[0] in {"fgsm", "pgd", "global", "structured", "tuned"}:
                assert 0 <= value <= 1
        assert row["gap"] == pytest.approx(row["train accuracy"] - row["test accuracy"])
        assert row["attacked"] == pytest.approx((row["fgsm 4"] + row["pgd 4"]) / 2)
        assert row["pruned"] == pytest.approx(
            (row["global 0.5"] + row["structured 0.2"] + row["tuned 0.5"]) / 3
        )


def test_a_comparison_is_deterministic(rows):
    again = SMALL.run(0, CPU)
    for one, two in zip(rows, again, strict=True):
        one, two = ({k: v for k, v in r.items() if k != "seconds"} for r in (one, two))
        assert one == pytest.approx(two, nan_ok=True)


@each
def test_every_variant_of_an_experiment_can_be_built(asked):
    for one in (asked.smoke(), asked, asked.gpu()):
        for variant in one.variants:
            masks = map(variant.schedule(3, one.epochs), range(1, one.epochs + 1))
            there = [mask for mask in masks if mask]
            assert bool(there) == (variant.mask is not None)
            assert all(isinstance(mask, GradientMask) for mask in there)
            assert all(mask.seed == 3 for mask in there)
            if variant.control:
                assert {mask.select for mask in there} == {variant.control}
        assert all(epochs < one.epochs for epochs in one.schedules)


@each
def test_the_smoke_run_trains_every_variant_and_schedule(asked):
    smoke = asked.smoke()
    assert smoke.variants == asked.variants
    assert len(smoke.schedules) == len(asked.schedules)
    assert len(smoke.plans) == len(asked.plans)
    assert smoke.epochs <= max(len(smoke.schedules) + 1, 4)
    assert smoke.images.training <= 64
    for variant in smoke.variants:
        masks = variant.schedule(0, smoke.epochs)
        attached = {masks(epoch) for epoch in range(1, smoke.epochs + 1)}
        assert len(attached) == len(variant.phases)
    kept = ("network", "learning_rate", "question")
    assert all(getattr(smoke, key) == getattr(asked, key) for key in kept)
    assert type(smoke.images) is type(asked.images)


def test_fashion_images_can_be_compared_too():
    one = replace(
        SMALL, images=FashionImages().smoke(), variants=(PLAIN,), schedules=()
    )
    rows = one.run(0, CPU)
    assert len(rows) == 1
    assert "attention" not in rows[0]


def test_a_dead_network_has_no_lateral_quality():
    model = small_cnn(seed=0)
    for parameter in model.parameters():
        parameter.data.zero_()
    images = torch.rand(8, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    monitor = QualityMonitor(model, torch.nn.CrossEntropyLoss(), samples=8)
    _, *layers = monitor.measure(images, torch.arange(8))
    assert layers
    assert all(math.isnan(row["lgq"]) for row in layers)


def test_label_noise_replaces_its_share_and_leaves_the_rest():
    labels = torch.zeros(20_000, dtype=torch.long)
    noisy = images.with_label_noise(labels, 0.3, seed=0)
    changed = (noisy != 0).double().mean().item()
    assert abs(changed - 0.3 * 0.9) < 4 * math.sqrt(0.27 * 0.73 / 20_000)
    assert torch.equal(images.with_label_noise(labels, 0.0, seed=0), labels)
    assert noisy.unique().tolist() == list(range(10))


def test_noisy_labels_and_stripes_leave_the_scenes_what_they_are():
    plain, noisy = SceneImages().smoke(), SceneImages(label_noise=0.5).smoke()
    striped = StripedImages(agreement=0.8).smoke()
    (training, test), changed, before = (
        one.splits(4) for one in (plain, noisy, striped)
    )
    assert torch.equal(training.images, changed[0].images)
    assert not torch.equal(training.labels, changed[0].labels)
    assert torch.equal(test.labels, changed[1].labels)
    assert torch.equal(training.labels, before[0].labels)
    assert (before[1].images >= test.images).all()
    assert len(test) == 20


def test_the_mask_of_theory_is_the_librarys():
    masks = Variant("theory", MASKS["theory"]).schedule(0, 1)
    assert masks(1) == GradientMask.from_theory()


def test_controls_differ_from_their_mask_in_the_selection_alone():
    plain, *variants = with_controls(*MASKS)
    assert plain == PLAIN
    controls = [variant for variant in variants if variant.control]
    assert len(controls) == 2 * len(MASKS)
    for variant in controls:
        (mask,) = (variant.schedule(0, 1)(1),)
        assert mask == replace(MASKS[variant.name], select=variant.control)
        assert variant.label == f"{variant.name}, {variant.control}"


def test_reports_call_variants_what_records_do():
    assert CONTROLS == comparison.CONTROLS
    for control in CONTROLS:
        ours = Variant("theory", MASKS["theory"], control).label
        assert ours == comparison.label("theory", control)


def test_shorter_schedules_are_those_of_the_first_variant():
    first, second = Variant("signal", MASKS["signal"]), PLAIN
    found = plans((first, second), 9, (2, 4))
    assert found == [(first, 2), (first, 4), (first, 9), (second, 9)]


@pytest.mark.parametrize(
    ("mask", "control", "message"),
    [
        (MASKS["signal"], "loudest", "control must be one of"),
        (None, "top-k", "no mask that .top-k. controls"),
        ((Phase(0.5, None),), None, "phases must end in order"),
        ((Phase(0.5, None), Phase(0.5, None), Phase(1, None)), None, "phases"),
        ((Phase(1, None), Phase(0.5, None)), None, "phases"),
    ],
)
def test_a_variant_that_cannot_be_is_refused(mask, control, message):
    with pytest.raises(ValueError, match=message):
        Variant("mask", mask, control)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("network", "resnet17", "no network 'resnet17'"),
        ("variants", (PLAIN, PLAIN), "each once"),
        ("variants", (), "each once"),
        ("schedules", (1, 1), "schedules must rise"),
        ("schedules", (2,), "schedules must rise"),
        ("schedules", (0,), "schedules must rise"),
        ("seeds", range(0), "seeds must be consecutive"),
        ("seeds", range(0, 9, 2), "seeds must be consecutive"),
        ("seeds", range(-1, 3), "seeds must be consecutive"),
    ],
)
def test_a_wrong_value_of_a_comparison_is_refused(field, value, message):
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **{field: value})


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (Levels, {"tuned": (1.2,)}, "shares must lie"),
        (Levels, {"severities": (6,)}, "severities must lie"),
        (SceneImages, {"label_noise": -0.1}, "label_noise must lie"),
        (StripedImages, {"agreement": 2.0}, "agreement must lie"),
        (FashionImages, {"training": 0}, "no images"),
    ],
)
def test_a_wrong_level_or_number_of_images_is_refused(kind, values, message):
    with pytest.raises(ValueError, match=message):
        kind(**values)


def test_a_wrong_field_is_refused():
    for kind in (Comparison, SceneImages, Levels, Variant):
        with pytest.raises(TypeError, match="epcohs"):
            kind(epcohs=90)


@pytest.mark.parametrize("able", [True, False])
def test_a_benchmark_says_in_which_precision_its_networks_are_measured(
    monkeypatch, able
):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: able)
    asked = experiment("cifar10_airbench").smoke()
    seen, model = set(), small_cnn(seed=0)
    conv = next(m for m in model.modules() if isinstance(m, nn.Conv2d))
    conv.register_forward_hook(lambda m, i, out: seen.add(out.dtype))
    found = asked._measured(model, *asked.images.splits(0))
    assert math.isfinite(found["calibration error"])
    assert seen == {torch.bfloat16 if able else torch.float32}
    said = {
        kind: asked.materials(torch.device(kind))["precision"]
        for kind in ("cpu", "cuda", "mps")
    }
    halves = "bfloat16 by autocast"
    assert said == {
        "cpu": halves if able else "float32",
        "cuda": halves,
        "mps": "float32",
    }
