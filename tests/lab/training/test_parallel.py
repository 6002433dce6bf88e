"""The same training on one process and on two, started by torchrun."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

import gradmask as gm
from gradmask.lab.data.fashion import Split, load_fashion_mnist
from gradmask.lab.networks.small import small_cnn
from gradmask.lab.training.loop import train

TESTS = Path(__file__).parents[2]
FOLDERS = f"{TESTS}{os.pathsep}{TESTS.parent}"

SCRIPT = """
import sys

import torch
from lab.training.test_parallel import trained
torch.set_num_threads(1)
model, history = trained()
rank = torch.distributed.get_rank()
torch.save(model.state_dict(), f"{sys.argv[1]}/{rank}.pt")
"""


def tiny():
    images, labels = load_fashion_mnist().train
    return Split(images[:128], labels[:128])


def trained():
    model = small_cnn(widths=(4, 6, 8), seed=0).double()
    # Noise, for equal pixels make ties, which rounding breaks one way or the other.
    noise = torch.rand(128, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    data = Split(noise.double(), tiny().labels)
    inhibition = gm.GradientMask(1.0, size=5)
    options = {"epochs": 2, "batch_size": 32, "seed": 0, "inhibition": inhibition}
    return model, train(model, data, data, **options)


@pytest.mark.skipif(
    not dist.is_available() or not dist.is_gloo_available(),
    reason="this PyTorch has no gloo",
)
def test_two_processes_train_as_one_does(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, "utf-8")
    torchrun = "torch.distributed.run --standalone --nproc-per-node 2"
    subprocess.run(
        [sys.executable, "-m", *torchrun.split(), script, tmp_path],
        env=os.environ | {"PYTHONPATH": FOLDERS, "OMP_NUM_THREADS": "1"},
        check=True,
        timeout=300,
    )
    model, _ = trained()
    for rank in (0, 1):
        state = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        torch.testing.assert_close(state, dict(model.state_dict()))


HALF = """
import copy
import torch
from gradmask.lab.networks.small import small_resnet
from gradmask.lab.training.loop import evaluate, train
from lab.training.test_parallel import tiny
seen = []
model = small_resnet(widths=(8, 8), seed=0)
model[1][0].register_forward_hook(lambda m, i, out: seen.append(out.dtype))
train(model, tiny(), tiny(), epochs=1, batch_size=32, seed=0)
assert torch.bfloat16 in seen, seen
seen.clear()
copied = copy.deepcopy(model)
evaluate(model, tiny())
assert set(seen) == {torch.float32}, seen
with torch.no_grad():
    for parameter in model.parameters():
        parameter.zero_()
assert evaluate(copied, tiny()).loss != evaluate(model, tiny()).loss
"""


def test_the_launcher_may_ask_for_half_precision_while_training():
    settings = {"ACCELERATE_MIXED_PRECISION": "bf16", "PYTHONPATH": FOLDERS}
    command = [sys.executable, "-c", HALF]
    subprocess.run(command, env=os.environ | settings, check=True, timeout=300)
