"""Panels in the reader's browser show what was computed."""

import base64
import json
import re
from importlib.resources import files

import numpy as np
import pytest
import torch
from support.browsing import browse

import gradmask as gm
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.scenes import cluttered_scenes
from gradmask.lab.figures.maps import model
from gradmask.lab.figures.panels import MaskPanel, TrainingPanel, unfolding
from gradmask.lab.measures.layers.snapshot import snapshot
from gradmask.lab.networks.small import small_resnet
from gradmask.lab.simulation.gradients import disc, error_signals


def mask_panel():
    support = disc(4, 32)
    noise = torch.randn(1, 32, 32, 32, generator=torch.Generator().manual_seed(0))
    energy = gm.functional.error_energy(error_signals(support, 0.2, 32, noise))
    kernel = gm.laplacian_of_gaussian(2.8)
    steps = (
        energy,
        gm.functional.lateral_response(energy, kernel),
        gm.functional.lateral_mask(energy, kernel),
    )
    return MaskPanel(model(support, *(step[0, 0] for step in steps)))


def test_the_panel_of_the_mask_needs_nothing_from_elsewhere():
    page = mask_panel()._repr_html_()
    assert not re.search(r"https?://|<link|\bsrc=\"(?!data:)|\bimport\b", page)
    assert "{{" not in page
    (still,) = re.findall(r"<noscript><img src=\"data:image/png;base64,(.+?)\"", page)
    assert len(still) > 1000
    labels = re.findall(r'<label for="(.+?)"', page)
    assert labels == re.findall(r'<input id="(.+?)" type="range"', page)


def test_the_script_computes_what_the_library_does(tmp_path):
    side, channels, sigmas, thresholds = 22, 6, [0.6, 1.4, 3.1], [0.0, 0.5, 2.0]
    generator = torch.Generator().manual_seed(0)
    double = {"dtype": torch.float64}
    along = torch.randn(side, side, generator=generator, **double)
    across = torch.rand(side, side, generator=generator, **double)
    given = {
        "side": side,
        "channels": channels,
        "sigmas": sigmas,
        "thresholds": thresholds,
        "noise": {k: v.flatten().tolist() for k, v in [("a", along), ("b", across)]},
    }
    script = (files("gradmask.lab") / "assets/mask-model.js").read_text("utf-8")
    page = browse(
        f"""<pre id="out"></pre><script>{script}
        const given = {json.dumps(given)}, M = maskModel;
        const noise = {{ along: Float64Array.from(given.noise.a),
                         across: Float64Array.from(given.noise.b) }};
        const support = M.disc(4, given.side);
        const e = M.energy(noise, support, 0.7, given.channels);
        const results = given.sigmas.map((sigma) => {{
          const kernel = M.laplacianOfGaussian(sigma);
          const r = M.response(e, given.side, kernel);
          const masks = given.thresholds.map((t) => {{
            const m = M.mask(r, t), rates = M.rates(m, support);
            const {{ p, q, occupancy }} = rates;
            return {{ m: [...m], p, q, occupancy, gain: M.gain(p, q, occupancy) }};
          }});
          return {{ kernel: [...kernel.weights], r: [...r], masks }};
        }});
        const drawn = M.drawNoise(4000, given.channels, 1);
        const out = {{ support: [...support], e: [...e], results,
          along: [...drawn.along], across: [...drawn.across] }};
        document.getElementById("out").textContent = JSON.stringify(out);
        </script>""",
        tmp_path,
    )
    found = json.loads(re.search(r'<pre id="out">(.+?)</pre>', page)[1])

    def compare(values, expected):
        values = torch.tensor(values, **double).view(expected.shape)
        torch.testing.assert_close(values, expected.double(), rtol=1e-9, atol=1e-9)

    support = disc(4, side)
    compare(found["support"], support)
    signal = (0.7 * channels) ** 0.5 * support.double()
    energy = ((along + signal).square() + across).sqrt()
    compare(found["e"], energy)
    energy = energy[None, None]
    pi = support.double().mean().item()
    for sigma, result in zip(sigmas, found["results"], strict=True):
        kernel = gm.laplacian_of_gaussian(sigma, **double)
        compare(result["kernel"], kernel)
        compare(result["r"], gm.functional.lateral_response(energy, kernel))
        for threshold, masked in zip(thresholds, result["masks"], strict=True):
            mask = gm.functional.lateral_mask(energy, kernel, threshold)[0, 0]
            compare(masked["m"], mask)
            p, q = (mask[on].double().mean().item() for on in (support, ~support))
            numbers = [masked[k] for k in ("p", "q", "occupancy")]
            assert numbers == pytest.approx([p, q, pi])
            assert masked["gain"] == pytest.approx(gm.theory.snr_gain(p, q, pi))
    normal, rest = torch.tensor(found["along"]), torch.tensor(found["across"])
    n = len(normal) ** 0.5
    assert abs(normal.mean()) < 4 / n
    assert abs(normal.var() - 1) < 4 * 2**0.5 / n
    assert abs(rest.mean() - (channels - 1)) < 4 * (2 * (channels - 1)) ** 0.5 / n


def test_the_panel_shows_the_model_at_its_first_setting(tmp_path):
    page = browse(mask_panel()._repr_html_(), tmp_path)
    assert '<div class="live">' in page  # no longer hidden
    p, q, share, strength, times = map(
        float,
        re.search(
            r"p = ([\d.]+), q = ([\d.]+), object ([\d.]+) % .*?λ =\s+([\d.]+), "
            r"gain ×([\d.]+)",
            page,
        ).groups(),
    )
    assert times == pytest.approx(gm.theory.snr_gain(p, q, share / 100), rel=0.03)
    kernel, support = gm.laplacian_of_gaussian(2.8), disc(4, 32)
    d = gm.theory.detectability_map(kernel, support, strength, 32)
    kept = gm.theory.hit_rate(d, 0.0)
    assert p == pytest.approx(kept[support].mean().item(), abs=0.05)
    assert q == pytest.approx(kept[~support].mean().item(), abs=0.03)


RULE = gm.GradientMask(1.0, size=5)
LAYERS = ("2", "4.activation")


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
    image, mask = scene.images[0, 0], scene.mask[0]
    return TrainingPanel(image, mask, "Bag", moments, LAYERS)._repr_html_()


def test_the_still_picture_shows_scene_energies_and_masks(scene, moments):
    image, mask = scene.images[0, 0], scene.mask[0]
    axes = unfolding(image, mask, "Bag", moments[0], LAYERS).axes
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


def test_the_panel_of_training_needs_nothing_from_elsewhere(panel):
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
