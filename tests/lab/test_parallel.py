"""The same training on one process and on two, started by torchrun."""

import os
import subprocess
import sys

import pytest
import torch
import torch.distributed as dist

import gradmask as gm
from gradmask.lab.data import Split, load_fashion_mnist
from gradmask.lab.models import small_cnn
from gradmask.lab.train import train

SCRIPT = """
import sys

import torch
from test_parallel import trained
torch.set_num_threads(1)
model, history = trained()
rank = torch.distributed.get_rank()
torch.save(model.state_dict(), f"{sys.argv[1]}/{rank}.pt")
"""


def trained():
    images, labels = load_fashion_mnist().train
    tiny = Split(images[:128], labels[:128])
    model = small_cnn(widths=(4, 6, 8), seed=0).double()
    tiny = Split(tiny.images.double(), tiny.labels)
    inhibition = gm.GradientMask(1.0, size=5)
    options = {"epochs": 2, "batch_size": 32, "seed": 0, "inhibition": inhibition}
    return model, train(model, tiny, tiny, **options)


@pytest.mark.skipif(
    not dist.is_available() or not dist.is_gloo_available(),
    reason="this PyTorch has no gloo",
)
def test_two_processes_train_as_one_does(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, "utf-8")
    folder = os.path.dirname(__file__)
    torchrun = "torch.distributed.run --standalone --nproc-per-node 2"
    subprocess.run(
        [sys.executable, "-m", *torchrun.split(), script, tmp_path],
        env=os.environ | {"PYTHONPATH": folder, "OMP_NUM_THREADS": "1"},
        check=True,
        timeout=300,
    )
    model, _ = trained()
    for rank in (0, 1):
        state = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        torch.testing.assert_close(state, dict(model.state_dict()))
