"""What guides an augmentation, against the maps and the truth."""

import numpy as np
import pytest
import torch

import gradmask as gm
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.images import ImageSet
from gradmask.lab.data.scenes import cluttered_scenes
from gradmask.lab.measures.saliency.maps import grad_cam
from gradmask.lab.networks.small import small_resnet
from gradmask.lab.training import guidance as guided
from gradmask.lab.training import mixing
from gradmask.lab.training.guidance import GUIDES, augmentation
from gradmask.lab.training.loop import finish, train

SIDE = 18
MIXES = [
    {"mix": "mixup"},
    {"mix": "cutmix"},
    *({"mix": "paste", "by": by} for by in GUIDES),
    *({"mix": "background", "by": by, "side": SIDE} for by in GUIDES),
]
each = pytest.mark.parametrize("options", MIXES, ids=lambda o: " ".join(map(str, o)))


@pytest.fixture(scope="module")
def scenes():
    return cluttered_scenes(load_fashion_mnist().train, 40, seed=0)


@pytest.fixture
def model(scenes):
    model = small_resnet(widths=(8, 8, 8), seed=0)
    model(scenes.images)
    return model


def first_augmented(options, scenes, model, seed=0):
    """The scenes as the first augmented batch, and the state of the draws before it."""
    augment = augmentation(options, seed=seed)
    coins, draws = (torch.Generator().manual_seed(3 * seed + k) for k in range(2))
    for _ in range(20):
        chosen = torch.rand((), generator=coins) < 0.5
        images, targets = augment(model, scenes)
        assert bool(chosen) == (targets.dim() == 2)
        if chosen:
            return images, targets, draws
        assert images is scenes.images
        assert targets is scenes.labels
    raise AssertionError("no batch was augmented")


@pytest.mark.parametrize("by", ["lateral", "Grad-CAM", "object"])
@pytest.mark.parametrize("mix", ["paste", "background"])
def test_a_guided_mixture_is_centred_where_its_guide_says(scenes, model, mix, by):
    options = {"mix": mix, "by": by, "side": SIDE}
    images, targets, draws = first_augmented(options, scenes, model)
    if by == "object":
        middles = scenes.box.reshape(-1, 2, 2).float().mean(1).floor().long()
    else:
        saliency = gm.lateral_saliency if by == "lateral" else grad_cam
        middles = mixing.peaks(saliency(model, scenes.images, scenes.labels))
    batch = (scenes.images, scenes.labels, middles)
    if mix == "paste":
        expected = mixing.paste(*batch, draws)
    else:
        expected = mixing.replace_background(*batch, SIDE, draws)
    assert torch.equal(images, expected[0])
    assert torch.equal(targets, expected[1])


def test_the_true_square_holds_the_object(scenes, model):
    options = {"mix": "background", "by": "object", "side": SIDE}
    images, _, _ = first_augmented(options, scenes, model)
    assert torch.equal(images[:, 0][scenes.mask], scenes.images[:, 0][scenes.mask])
    assert not torch.equal(images, scenes.images)


def test_variants_of_a_seed_augment_the_same_batches(scenes, model):
    augments = [augmentation(options, seed=1) for options in MIXES]
    for _ in range(12):
        draws = [a(model, scenes[:8])[1] for a in augments]
        assert len({target.dim() for target in draws}) == 1


@each
def test_training_with_an_augmentation_is_determined_by_its_seed(scenes, options):
    def weights(seed):
        model = small_resnet(widths=(8, 8, 8), seed=0)
        augment = augmentation(options, seed=seed)
        finish(train(model, scenes, epochs=2, batch_size=20, seed=0, augment=augment))
        return [p.detach() for p in model.parameters()]

    assert all(map(torch.equal, weights(0), weights(0)))
    assert not all(map(torch.equal, weights(0), weights(1)))


def test_no_options_are_no_augmentation():
    assert augmentation(None, seed=0) is None


@pytest.mark.parametrize("options", [{"mix": "blend"}, {"mix": "paste", "by": "eye"}])
def test_what_is_unknown_is_refused(scenes, options):
    with pytest.raises(ValueError, match="no augmentation"):
        augmentation(options, seed=0)


def test_the_truth_needs_boxes(scenes, model):
    augment = augmentation({"mix": "paste", "by": "object"}, seed=0)
    bare = ImageSet(scenes.images, scenes.labels)
    with pytest.raises(ValueError, match="needs images with boxes"):
        [augment(model, bare) for _ in range(20)]


def test_half_of_the_batches_are_augmented(scenes, model):
    augment = augmentation({"mix": "mixup"}, seed=0)
    chosen = [augment(model, scenes[:2])[1].dim() == 2 for _ in range(2000)]
    # Five standard deviations.
    assert abs(np.mean(chosen) - guided.PROBABILITY) < 5 * 0.5 / 2000**0.5
