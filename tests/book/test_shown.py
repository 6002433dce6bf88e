"""What a chapter shows without running it works, too."""

import re

import nbformat
import pytest
import torch
from support.networks import batch, hooks, loss, plain_net
from support.notebooks import BOOK
from torch.nn.functional import cross_entropy

import gradmask as gm


def shown(chapter):
    """Code that a chapter shows in its prose, by the library that it is for."""
    cells = nbformat.read(BOOK / f"{chapter}.ipynb", 4).cells
    prose = "\n".join(c.source for c in cells if c.cell_type == "markdown")
    blocks = re.findall(r"^```python\n(.*?)^```", prose, re.DOTALL | re.MULTILINE)
    return {re.search(r"(lightning|timm)\.", block)[1]: block for block in blocks}


def test_the_lines_for_lightning_mask(tmp_path, monkeypatch):
    lightning = pytest.importorskip("lightning")
    monkeypatch.chdir(tmp_path)
    carried = []

    class Task(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = plain_net(dtype=torch.float32)

        def training_step(self, part, index):
            carried.append(hooks(self))
            return loss(self.net(part))

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.0)

    task = Task()
    loader = torch.utils.data.DataLoader(batch(dtype=torch.float32), batch_size=2)
    names = {"lightning": lightning, "gm": gm, "module": task, "loader": loader}
    exec(shown("attach")["lightning"], names)
    assert all(carried)
    assert len(carried) == 2
    assert hooks(task) == 0


def test_the_lines_for_timm_mask_and_say_what_they_skip(capsys):
    timm = pytest.importorskip("timm")
    images, labels = torch.rand(8, 3, 64, 64), torch.arange(8)
    names = {"timm": timm, "gm": gm, "images": images, "labels": labels}
    exec(shown("attach")["timm"], names | {"cross_entropy": cross_entropy})
    assert "its channels come last" in capsys.readouterr().out
