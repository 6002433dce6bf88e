"""Pictures of the analysis, and the script that computes it in the reader's browser."""

import json
import re
from importlib.resources import files

import numpy as np
import pytest
import torch
from support.browsing import browse

import gradmask as gm
from gradmask.lab.figures import analysis, gain, style
from gradmask.lab.figures.interactive import MaskPanel
from gradmask.lab.reports.stats import Interval
from gradmask.lab.simulation.gradients import disc, error_signals

# --- Figures --------------------------------------------------------------------------


def test_the_plane_draws_the_contours_of_the_gain():
    figure, ax = style.panels(1)
    gain.gain_plane(ax, 0.2, detectors=(1.0,))
    contours = ax.collections[0]
    assert max(contours.levels) < 1 / 0.2
    for level, path in zip(contours.levels, contours.get_paths(), strict=True):
        q, p = path.vertices[path.vertices[:, 1] > 0.05].T
        assert gm.theory.snr_gain(torch.tensor(p), torch.tensor(q), 0.2).numpy() == (
            pytest.approx(level, rel=0.02)
        )
    random, detector = ax.lines
    assert np.array_equal(*random.get_data())
    q, p = (torch.as_tensor(np.asarray(data)) for data in detector.get_data())
    torch.testing.assert_close(
        torch.special.ndtri(p) - torch.special.ndtri(q), torch.ones_like(p)
    )
    style.done(figure)


@pytest.mark.parametrize("occupancy", [0.0, 1.0, -1.0, 2.0])
def test_the_plane_needs_an_object_and_a_background(occupancy):
    figure, ax = style.panels(1)
    with pytest.raises(ValueError, match="occupancy"):
        gain.gain_plane(ax, occupancy)
    style.done(figure)


def test_masks_lie_where_their_rates_say():
    (ax,) = gain.masks_on_planes({0.1: {"a": (0.3, 0.8)}}).axes
    assert [list(line.get_data()) for line in ax.lines][-1] == [[0.3], [0.8]]


def test_the_model_shows_what_the_library_computes():
    support, kernel = disc(3, 21), gm.laplacian_of_gaussian(1.4)
    noise = torch.randn(1, 8, 21, 21, generator=torch.Generator().manual_seed(0))
    delta = error_signals(support, 0.5, 8, noise)
    figure = analysis.model(delta, kernel, support)
    drawn = [ax.images[0].get_array() for ax in figure.axes]
    energy = gm.functional.error_energy(delta)
    mask = gm.gradient_mask(delta, kernel)
    expected = [
        support,
        energy,
        gm.functional.lateral_response(energy, kernel),
        mask,
        mask * energy,
    ]
    for picture, field in zip(drawn, expected, strict=True):
        assert np.allclose(picture, field.reshape(21, 21))


def test_kept_shares_are_drawn_with_their_binomial_interval():
    predicted = {0.0: torch.full((9, 9), 0.4)}
    measured = {0.0: torch.full((9, 9), 0.5)}
    figure = analysis.kept_share(predicted, measured, 100, disc(2, 9))
    (bars,) = figure.axes[2].containers
    low, high = bars.lines[2][0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((0.5 - 0.098, 0.5 + 0.098))


def test_agreement_draws_ratios():
    points = {"panel": {"series": [(2.0, Interval(3.0, 2.0, 4.0))]}}
    (bars,) = analysis.agreement(points).axes[0].containers
    assert bars.lines[0].get_ydata() == pytest.approx([1.5])
    assert bars.lines[2][0].get_segments()[0][:, 1] == pytest.approx([1.0, 2.0])


def test_measurements_stand_against_predictions():
    comparison = analysis.Comparison(
        (1, 2),
        {"a": [Interval(1.0, 0.5, 1.5), Interval(2.0, 1.5, 2.5)]},
        {"a": {"theory": [1.1, 2.1]}},
    )
    (ax,) = analysis.against({"title": comparison}, "x", log="x", mark=1.5).axes
    theory = next(line for line in ax.lines if line.get_label() == "theory")
    assert list(theory.get_ydata()) == [1.1, 2.1]
    assert list(ax.containers[0].lines[0].get_ydata()) == [1.0, 2.0]
    assert [1.5, 1.5] in [list(line.get_xdata()) for line in ax.lines]


# --- The reader's browser -------------------------------------------------------------


def test_the_panel_needs_nothing_from_elsewhere():
    page = MaskPanel()._repr_html_()
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
    page = browse(MaskPanel()._repr_html_(), tmp_path)
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
