"""What is asked of maps without boxes, against the measures taken one by one."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from gradmask.lab.measures.saliency import protocol
from gradmask.lab.measures.saliency.insertion import area, deletion, insertion
from gradmask.lab.measures.saliency.maps import MAPS
from gradmask.lab.measures.saliency.sanity import (
    correlation_after_randomisation,
    rank_correlation,
)
from gradmask.lab.networks.small import seeded, small_resnet


def network():
    model = small_resnet(widths=(3, 4, 5), seed=0)
    with seeded(0):
        return nn.Sequential(nn.Conv2d(3, 1, 1), *model).eval()


def examples(count=2, side=24):
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, 3, side, side, generator=generator)
    return images, torch.arange(count)


@pytest.fixture(scope="module")
def drawn():
    return protocol.draw_all(network(), *examples())


def test_every_map_is_drawn_and_timed(drawn):
    model, (images, labels) = network(), examples()
    assert list(drawn.maps) == list(drawn.seconds) == list(MAPS)
    for name, draw in MAPS.items():
        assert torch.equal(drawn.maps[name], draw(model, images, labels))
        assert 0 < drawn.seconds[name] < 10


def test_agreement_is_the_area_of_insertion_and_deletion(drawn):
    model, (images, labels) = network(), examples()
    found = protocol.agreement(model, images, labels, drawn.maps, steps=4)
    for name, maps in drawn.maps.items():
        for key, curve in {"insertion": insertion, "deletion": deletion}.items():
            expected = area(curve(model, images, labels, maps, 4))
            torch.testing.assert_close(found[name][key], expected)


def test_similarity_is_that_of_the_cascade_at_its_top_middle_and_end(drawn):
    model, (images, labels) = network(), examples()
    found = protocol.similarity(model, images, labels, drawn.maps, seed=3)
    for name in ("gradient", "grad-cam", "centre"):
        every = list(
            correlation_after_randomisation(
                MAPS[name], model, images, labels, seed=3
            ).values()
        )
        chosen = every[0], every[(len(every) - 1) // 2], every[-1]
        assert list(found[name]) == ["random top", "random half", "random all"]
        for values, expected in zip(found[name].values(), chosen, strict=True):
            torch.testing.assert_close(values, expected)
    for values in found["centre"].values():
        assert values.tolist() == pytest.approx([1, 1])


def test_stability_compares_what_both_images_show(drawn):
    model, (images, labels) = network(), examples()
    found = protocol.stability(model, images, labels, drawn.maps, pixels=3, quality=60)
    moved = torch.zeros_like(images)
    for y in range(24):
        for x in range(24):
            moved[:, :, y, x] = images[:, :, max(y - 3, 0), max(x - 3, 0)]
    after = MAPS["gradient"](model, moved, labels)
    expected = rank_correlation(drawn.maps["gradient"][:, :21, :21], after[:, 3:, 3:])
    torch.testing.assert_close(found["gradient"]["shift"], expected)
    assert found["random"]["jpeg"].tolist() == pytest.approx([1, 1])
    assert found["random"]["shift"].abs().max() < 0.3
    assert 0 < found["gradient"]["jpeg"].min() < found["gradient"]["jpeg"].max() < 1


def test_a_shift_by_nothing_changes_nothing():
    images, _ = examples()
    assert torch.equal(protocol.shifted(images, 0), images)


def test_jpeg_keeps_what_the_eye_sees_and_less_at_a_lower_quality(tmp_path):
    ramp = torch.linspace(0, 1, 32).expand(1, 3, 32, 32)
    image = (ramp + 0.1 * torch.rand(1, 3, 32, 32)).clamp(0, 1)
    found = protocol.as_jpeg(image, 50)
    pixels = (255 * image[0]).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(tmp_path / "a.jpg", quality=50)
    expected = np.asarray(Image.open(tmp_path / "a.jpg")) / 255
    assert np.abs(found[0].permute(1, 2, 0).numpy() - expected).max() < 0.03
    errors = [(protocol.as_jpeg(image, q) - image).abs().mean() for q in (95, 50, 10)]
    assert 0 < errors[0] < errors[1] < errors[2]
