"""Cluttered scenes, against a slow rewrite and on images that any leak shows in."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from gradmask.lab.data.clutter import SILHOUETTE, compose, draw_layout, resize
from gradmask.lab.data.fashion import FashionMNIST, load_fashion_mnist
from gradmask.lab.data.images import ImageSet
from gradmask.lab.data.scenes import Clutter, cluttered_scenes, scene_splits, tight_box

STILL = Clutter(noise=0.0)
BARE = Clutter(noise=0.0, patches=0)

FIELDS = ("images", "labels", "mask", "box")


@pytest.fixture(scope="module")
def fashion():
    return load_fashion_mnist().test


def constant_split(codes, labels=None):
    """Image k has the intensity codes[k] / 250 everywhere; codes > 12 are seen."""
    codes = torch.as_tensor(codes)
    images = (codes / 250).view(-1, 1, 1, 1).expand(-1, 1, 28, 28)
    return ImageSet(images, codes % 10 if labels is None else torch.as_tensor(labels))


def decode(images):
    return (images[:, 0] * 250).round().long()


def drawn(split, count, clutter, seed=0):
    resized = resize(split.images, clutter.object_size)
    generator = torch.Generator().manual_seed(seed)
    return resized, draw_layout(resized, split.labels, count, clutter, generator)


def slow_scene(resized, layout, n, clutter):
    """Scene n, pixel by pixel."""
    canvas = np.zeros((clutter.size, clutter.size), np.float32)
    mask = np.zeros(canvas.shape, bool)
    for p in range(clutter.patches):
        source = resized[layout.sources[n, p]].numpy()
        (cut_y, cut_x), (y, x) = layout.cuts[n, p].tolist(), layout.spots[n, p].tolist()
        for i in range(clutter.patch_size):
            for j in range(clutter.patch_size):
                pixel = source[cut_y + i, cut_x + j]
                canvas[y + i, x + j] = max(canvas[y + i, x + j], pixel)
    own = resized[layout.objects[n]].numpy()
    y, x = layout.corners[n].tolist()
    for i in range(clutter.object_size):
        for j in range(clutter.object_size):
            if own[i, j] > SILHOUETTE:
                canvas[y + i, x + j] = own[i, j]
                mask[y + i, x + j] = True
    return canvas, mask


class TestComposition:
    @pytest.mark.parametrize(
        "clutter",
        [
            Clutter(),
            Clutter(size=23, object_size=23, patches=9, patch_size=5),
            Clutter(size=40, object_size=12, patches=1, patch_size=12),
            Clutter(patches=0),
        ],
    )
    def test_equals_the_slow_rewrite(self, clutter, fashion):
        resized, layout = drawn(fashion, 25, clutter)
        canvas, mask = compose(resized, layout, clutter)
        for n in range(25):
            slow_canvas, slow_mask = slow_scene(resized, layout, n, clutter)
            assert np.array_equal(canvas[n].numpy(), slow_canvas)
            assert np.array_equal(mask[n].numpy(), slow_mask)

    def test_scenes_without_noise_are_the_composition(self, fashion):
        resized, layout = drawn(fashion, 40, STILL, seed=3)
        canvas, mask = compose(resized, layout, STILL)
        scenes = cluttered_scenes(fashion, 40, seed=3, clutter=STILL)
        assert torch.equal(scenes.images[:, 0], canvas)
        assert torch.equal(scenes.mask, mask)
        assert torch.equal(scenes.labels, fashion.labels[layout.objects])

    def test_resize_agrees_with_pillow(self, fashion):
        resized = resize(fashion.images[:20], 18)
        for image, small in zip(fashion.images[:20], resized, strict=True):
            pillow = Image.fromarray(image[0].numpy()).resize(
                (18, 18), Image.Resampling.BILINEAR
            )
            assert np.allclose(small.numpy(), np.asarray(pillow), atol=1e-5)

    def test_object_pixels_are_the_resized_object(self, fashion):
        scenes = cluttered_scenes(fashion, 50, seed=1, clutter=STILL)
        known = {
            image[image > SILHOUETTE].numpy().tobytes(): label
            for image, label in zip(
                resize(fashion.images, 18), fashion.labels.tolist(), strict=True
            )
        }
        for image, mask, label in zip(
            scenes.images[:, 0], scenes.mask, scenes.labels.tolist(), strict=True
        ):
            assert known[image[mask].numpy().tobytes()] == label


class TestTruth:
    def test_types_shapes_and_range(self, fashion):
        scenes = cluttered_scenes(fashion, 30, seed=0)
        assert scenes.images.shape == (30, 1, 32, 32)
        assert scenes.images.dtype == torch.float32
        assert scenes.images.min() == 0
        assert scenes.images.max() == 1
        assert scenes.mask.shape == (30, 32, 32)
        assert scenes.mask.dtype == torch.bool
        assert scenes.labels.dtype == scenes.box.dtype == torch.int64
        assert scenes.box.shape == (30, 4)

    def test_box_is_tight(self, fashion):
        scenes = cluttered_scenes(fashion, 200, seed=0)
        for mask, box in zip(scenes.mask.numpy(), scenes.box.tolist(), strict=True):
            ys, xs = np.nonzero(mask)
            assert box == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]

    def test_box_of_masks_that_touch_the_edges(self):
        masks = torch.zeros(3, 4, 6, dtype=torch.bool)
        masks[0] = True
        masks[1, 0, 5] = True
        masks[2, 3, 0] = masks[2, 1, 2] = True
        assert tight_box(masks).tolist() == [[0, 0, 6, 4], [5, 0, 6, 1], [0, 1, 3, 4]]

    def test_background_is_black_without_patches_and_noise(self, fashion):
        scenes = cluttered_scenes(fashion, 100, seed=0, clutter=BARE)
        assert (scenes.images[:, 0][~scenes.mask] == 0).all()
        assert (scenes.images[:, 0][scenes.mask] > SILHOUETTE).all()

    def test_objects_reach_every_place(self):
        scenes = cluttered_scenes(constant_split(range(20, 251)), 4000, seed=0)
        places = {(x, y) for x, y, _, _ in scenes.box.tolist()}
        assert places == {(x, y) for x in range(15) for y in range(15)}

    def test_patches_reach_every_pixel(self):
        split = constant_split(range(20, 251))
        clutter = dataclasses.replace(STILL, object_size=8)
        scenes = cluttered_scenes(split, 1000, seed=0, clutter=clutter)
        patched = (scenes.images[:, 0] > 0) & ~scenes.mask
        assert patched.any(0).all()


class TestClutter:
    def test_distractors_are_never_the_object_itself(self):
        codes = range(50, 54)
        scenes = cluttered_scenes(constant_split(codes), 400, seed=0, clutter=STILL)
        seen = set()
        for values, mask in zip(decode(scenes.images), scenes.mask, strict=True):
            (own,) = values[mask].unique().tolist()
            others = set(values[~mask].unique().tolist()) - {0}
            assert own not in others
            seen |= {(own, other) for other in others}
        assert seen == {(a, b) for a in codes for b in codes if a != b}

    def test_no_patch_is_empty(self, fashion):
        clutter = Clutter(patch_size=3)
        resized, layout = drawn(fashion, 500, clutter)
        for source, cuts in zip(
            layout.sources.flatten(), layout.cuts.view(-1, 2).tolist(), strict=True
        ):
            y, x = cuts
            piece = resized[source, y : y + 3, x : x + 3]
            assert piece.shape == (3, 3)
            assert (piece > SILHOUETTE).any()

    def test_cuts_vary_within_an_image(self, fashion):
        _, layout = drawn(fashion, 500, Clutter())
        cuts = {tuple(cut) for cut in layout.cuts.view(-1, 2).tolist()}
        assert len(cuts) > 80

    def test_more_or_larger_patches_leave_more_background_energy(self, fashion):
        def energy(**changes):
            clutter = dataclasses.replace(STILL, **changes)
            scenes = cluttered_scenes(fashion, 300, seed=0, clutter=clutter)
            return scenes.images[:, 0][~scenes.mask].square().mean()

        assert energy(patches=0) == 0
        assert energy(patches=2) < energy(patches=6) < energy(patches=12)
        assert energy(patch_size=4) < energy(patch_size=8)

    def test_noise_has_the_standard_deviation_asked_for(self):
        clutter = Clutter(object_size=32, patches=0, noise=0.08)
        images = cluttered_scenes(
            constant_split([125]), 100, seed=0, clutter=clutter
        ).images
        assert images.mean().item() == pytest.approx(0.5, abs=0.002)
        assert images.std().item() == pytest.approx(0.08, rel=0.02)

    def test_difficulty_changes_neither_objects_nor_places(self, fashion):
        plain = cluttered_scenes(fashion, 50, seed=0, clutter=BARE)
        hard = cluttered_scenes(
            fashion, 50, seed=0, clutter=Clutter(patches=9, patch_size=4, noise=0.3)
        )
        assert torch.equal(plain.mask, hard.mask)
        assert torch.equal(plain.labels, hard.labels)

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"size": 17}, "object_size"),
            ({"object_size": 0}, "object_size"),
            ({"size": 0, "object_size": 0}, "object_size"),
            ({"patch_size": 0}, "patch_size"),
            ({"patch_size": 19}, "patch_size"),
            ({"patches": -1}, "patches"),
            ({"noise": -0.1}, "noise"),
            ({"noise": float("nan")}, "noise"),
            ({"noise": float("inf")}, "noise"),
        ],
    )
    def test_impossible_difficulties_are_refused(self, changes, said):
        with pytest.raises(ValueError, match=said):
            Clutter(**changes)


class TestDraw:
    @pytest.mark.parametrize("count", [1, 10, 25, 40])
    def test_classes_are_balanced_and_objects_not_repeated(self, count):
        scenes = cluttered_scenes(
            constant_split(range(20, 60)), count, seed=0, clutter=BARE
        )
        sizes = scenes.labels.bincount(minlength=10)
        assert sizes.max() - sizes.min() <= 1
        codes = decode(scenes.images).amax((1, 2))
        assert len(codes.unique()) == count
        assert torch.equal(codes % 10, scenes.labels)

    def test_all_are_used_before_any_comes_back(self):
        scenes = cluttered_scenes(
            constant_split(range(20, 60)), 100, seed=0, clutter=BARE
        )
        uses = decode(scenes.images).amax((1, 2)).bincount()[20:]
        assert uses.sum() == 100
        assert set(uses.tolist()) == {2, 3}

    def test_a_scarce_class_is_used_up_first(self):
        split = constant_split(range(20, 53), [4] * 30 + [7] * 3)
        scenes = cluttered_scenes(split, 33, seed=0)
        assert scenes.labels[:6].bincount(minlength=8).tolist() == [
            *(0, 0, 0, 0, 3, 0, 0, 3)
        ]
        assert scenes.labels.bincount()[[4, 7]].tolist() == [30, 3]

    def test_order_of_classes_is_shuffled(self, fashion):
        labels = cluttered_scenes(fashion, 1000, seed=0, clutter=BARE).labels
        blocks = {tuple(block) for block in labels.view(-1, 10).tolist()}
        assert len(blocks) == 100

    def test_same_seed_same_scenes_another_seed_others(self, fashion):
        first = cluttered_scenes(fashion, 60, seed=5)
        torch.manual_seed(123)
        again = cluttered_scenes(fashion, 60, seed=5)
        other = cluttered_scenes(fashion, 60, seed=6)
        assert all(torch.equal(getattr(first, f), getattr(again, f)) for f in FIELDS)
        assert not any(
            torch.equal(getattr(first, f), getattr(other, f)) for f in FIELDS
        )

    def test_global_random_state_is_untouched(self, fashion):
        torch.manual_seed(0)
        before = torch.get_rng_state()
        cluttered_scenes(fashion, 20, seed=0)
        assert torch.equal(torch.get_rng_state(), before)

    def test_the_split_is_untouched(self, fashion):
        before = fashion.images.clone()
        cluttered_scenes(fashion, 20, seed=0)
        assert torch.equal(fashion.images, before)

    def test_one_image_suffices_without_patches(self):
        scenes = cluttered_scenes(constant_split([89]), 3, seed=0, clutter=BARE)
        assert scenes.labels.tolist() == [9] * 3

    def test_one_image_is_refused_with_patches(self):
        with pytest.raises(ValueError, match="at least 2"):
            cluttered_scenes(constant_split([89]), 3, seed=0)

    def test_no_image_is_refused(self):
        with pytest.raises(ValueError, match="at least 1"):
            cluttered_scenes(constant_split([]), 3, seed=0, clutter=BARE)

    @pytest.mark.parametrize("count", [0, -1])
    def test_no_scene_is_refused(self, count, fashion):
        with pytest.raises(ValueError, match="count"):
            cluttered_scenes(fashion, count, seed=0)

    def test_an_empty_image_is_refused(self):
        with pytest.raises(ValueError, match="image 2 "):
            cluttered_scenes(constant_split([50, 60, 5, 70]), 4, seed=0)


class TestSplits:
    @pytest.fixture
    def data(self):
        return FashionMNIST(
            constant_split(range(20, 60)),
            constant_split(range(80, 120)),
            constant_split(range(140, 180)),
            "made here",
        )

    def test_nothing_leaks_between_splits(self, data):
        splits = scene_splits(data, 300, validation=200, test=100, clutter=STILL)
        for scenes, first, last, count in zip(
            splits, (20, 80, 140), (60, 120, 180), (300, 200, 100), strict=True
        ):
            assert len(scenes.labels) == count
            used = set(decode(scenes.images).unique().tolist()) - {0}
            assert used == set(range(first, last))

    def test_seed_and_split_change_the_places(self, data):
        first = scene_splits(data, 50, validation=50, test=50, seed=0)
        second = scene_splits(data, 50, validation=50, test=50, seed=1)
        boxes = [scenes.box for scenes in (*first, *second)]
        assert len({tuple(box.flatten().tolist()) for box in boxes}) == 6

    def test_defaults(self, data):
        splits = scene_splits(data, 10)
        assert [len(scenes.labels) for scenes in splits] == [10, 1000, 1000]
        same = scene_splits(data, 10, seed=0, clutter=Clutter())
        assert torch.equal(splits.train.images, same.train.images)
