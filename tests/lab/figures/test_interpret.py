"""Pictures of what networks learn, and the panel that plays training back."""

import base64
import json
import re

import numpy as np
import pytest
import torch
from support.browsing import browse

import gradmask as gm
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import cluttered_scenes
from gradmask.lab.figures import interpret as draw
from gradmask.lab.figures.playback import TrainingPanel, unfolding
from gradmask.lab.measures.layers.receptive_field import radius
from gradmask.lab.measures.layers.snapshot import snapshot
from gradmask.lab.networks.small import small_resnet

RULE = gm.GradientMask(1.0, size=5)
LAYERS = ("2", "4.activation")


def seeded():
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="module")
def scene():
    return cluttered_scenes(load_fashion_mnist().test, 1, seed=0)


@pytest.fixture(scope="module")
def moments(scene):
    return [
        snapshot(small_resnet(widths=(8, 8), seed=s), scene.images, scene.labels, RULE)
        for s in range(3)
    ]


@pytest.fixture(scope="module")
def panel(scene, moments):
    return TrainingPanel(scene, moments, LAYERS)._repr_html_()


def test_filters_share_a_scale_about_zero():
    networks = {name: torch.randn(5, 3, 3, generator=seeded()) for name in "ab"}
    networks["b"][2, 0, 0] = -9.0
    axes = draw.filters(networks).axes
    assert len(axes) == 10
    assert {ax.images[0].get_clim() for ax in axes} == {(-9, 9)}
    assert np.array_equal(axes[7].images[0].get_array(), networks["b"][2])


def test_a_field_is_titled_with_its_radius():
    field = torch.rand(9, 9, generator=seeded())
    (ax,) = draw.fields({"plain": {"stem": field}}).axes
    assert np.allclose(ax.images[0].get_array() ** 2, field)
    title = ax.get_title("left") or ax.get_title()
    assert title == f"stem: {radius(field):.1f} pixels"


def test_attention_shows_every_seed_and_the_mean():
    (ax,) = draw.attention_through({"mask": [[0.1, 0.4], [0.3, 0.6]]}).axes
    drawn = [line.get_ydata() for line in ax.lines]
    assert np.allclose(drawn, [[10, 40], [30, 60], [20, 50]])
    assert list(ax.lines[0].get_xdata()) == [0, 1]


def test_the_still_picture_shows_scene_energies_and_masks(scene, moments):
    axes = unfolding(scene, moments[0], LAYERS).axes
    drawn = {i: ax.images[0].get_array() for i, ax in enumerate(axes) if ax.images}
    assert np.array_equal(drawn[0], scene.images[0, 0])
    for column, name in enumerate(LAYERS, 1):
        assert np.allclose(drawn[column], moments[0].energy[name])
        assert np.allclose(drawn[column + 3], moments[0].mask[name])


def test_the_page_holds_what_was_computed(scene, moments, panel):
    data = json.loads(re.search(r"const data = (\{.+\});", panel)[1])

    def unpacked(text, *shape):
        pixels = np.frombuffer(base64.b64decode(text), np.uint8)
        return pixels.reshape(shape) / 255

    assert data["probability"] == pytest.approx(
        [each.probability for each in moments], abs=5e-4
    )
    found = unpacked(data["scene"], 32, 32)
    np.testing.assert_allclose(found, scene.images[0, 0], atol=1 / 500)
    assert np.array_equal(unpacked(data["object"], 32, 32), scene.mask[0])
    for layer, name in zip(data["layers"], LAYERS, strict=True):
        side = layer["side"]
        energies = unpacked(layer["energy"], 3, side, side)
        masks = unpacked(layer["mask"], 3, side, side)
        for at, energy, mask in zip(moments, energies, masks, strict=True):
            expected = at.energy[name] / at.energy[name].max()
            np.testing.assert_allclose(energy, expected, atol=1 / 500)
            assert np.array_equal(mask, at.mask[name])


def test_the_panel_needs_nothing_from_elsewhere(panel):
    assert not re.search(r"https?://|<link|\bsrc=\"(?!data:)|\bimport\b", panel)
    assert "{{" not in panel
    (still,) = re.findall(r"<noscript><img src=\"data:image/png;base64,(.+?)\"", panel)
    assert len(still) > 1000
    assert re.findall(r'<label for="(.+?)"', panel) == ["tp-epoch"]
    assert "prefers-reduced-motion" in panel


def test_the_page_says_what_the_slider_stands_on(scene, moments, panel, tmp_path):
    moved = """<script>
      const all = [];
      const seen = document.querySelector("#training-panel .numbers");
      for (const epoch of [0, 1, 2]) {
        const slider = document.getElementById("tp-epoch");
        slider.value = epoch;
        slider.dispatchEvent(new Event("input"));
        all.push(seen.textContent);
      }
      const out = document.createElement("pre");
      out.id = "out";
      out.textContent = JSON.stringify(all);
      document.body.append(out);
    </script>"""
    page = browse(panel + moved, tmp_path)
    texts = json.loads(re.search(r'<pre id="out">(.+?)</pre>', page)[1])
    for epoch, (text, at) in enumerate(zip(texts, moments, strict=True)):
        shares = [100 * float(at.mask[name].float().mean()) for name in LAYERS]
        numbers = [float(n) for n in re.findall(r"\d+(?= %)|\d+(?= of 2)", text)]
        expected = [epoch, 100 * at.probability, *shares]
        assert numbers == pytest.approx(expected, abs=0.51)
