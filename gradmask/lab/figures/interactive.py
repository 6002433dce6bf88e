"""The mask under the reader's hand: a page's panel that needs neither kernel nor net.

The model is computed in the browser, by the script assets/mask-model.js; a still
picture takes its place where scripts are off.
"""

from __future__ import annotations

import base64
import html
import io
from importlib.resources import files

import torch

from gradmask import laplacian_of_gaussian
from gradmask.lab.figures.analysis import model
from gradmask.lab.simulation.gradients import disc, error_signals

__all__ = ["MaskPanel"]

_ALT = (
    "A disc of radius 4 in noise: its place, the error energy, the lateral response "
    "of a kernel of sigma 2.8, the mask, and the energy that the mask keeps."
)


class MaskPanel:
    """Panel of sliders over energy, response, mask and gain, shown by a notebook."""

    def _repr_html_(self) -> str:
        assets = files("gradmask.lab") / "assets"
        page = (assets / "mask-panel.html").read_text(encoding="utf-8")
        script = (assets / "mask-model.js").read_text(encoding="utf-8")
        return (
            page.replace("{{model}}", script)
            .replace("{{still}}", _still())
            .replace("{{alt}}", html.escape(_ALT))
        )


def _still() -> str:
    """Picture of the panel's first setting, as a data URI."""
    support = disc(4, 32)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1, 32, 32, 32, generator=generator)
    delta = error_signals(support, 0.2, 32, noise)
    picture = io.BytesIO()
    model(delta, laplacian_of_gaussian(2.8), support).savefig(picture, dpi=100)
    return "data:image/png;base64," + base64.b64encode(picture.getvalue()).decode()
