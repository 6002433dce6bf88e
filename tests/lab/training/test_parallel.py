"""The same training on one process and on two, started by torchrun."""

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from accelerate.state import AcceleratorState

import gradmask as gm
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.images import ImageSet
from gradmask.lab.measures.accuracy import evaluate
from gradmask.lab.networks.small import small_cnn, small_resnet
from gradmask.lab.training.loop import finish, train

FOLDER = str(Path(__file__).parents[2])
PATHS = os.pathsep.join([FOLDER, *filter(None, [os.environ.get("PYTHONPATH")])])

SCRIPT = """
import sys

import torch
from gradmask.lab.measures.accuracy import evaluate_shared
from lab.training.test_parallel import noisy, trained
torch.set_num_threads(1)
model, last = trained()
rank = torch.distributed.get_rank()
torch.save(model.state_dict(), f"{sys.argv[1]}/{rank}.pt")
score = evaluate_shared(model, noisy()[:101], batch_size=20)
torch.save(tuple(score), f"{sys.argv[1]}/score{rank}.pt")
"""


def tiny():
    return load_fashion_mnist().train[:128]


def noisy():
    # Noise, for equal pixels make ties, which rounding breaks one way or the other.
    noise = torch.rand(128, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    return ImageSet(noise.double(), tiny().labels)


def trained():
    model, data = small_cnn(widths=(4, 6, 8), seed=0).double(), noisy()
    inhibition = gm.GradientMask(1.0, size=5)
    options = {"epochs": 2, "batch_size": 32, "seed": 0, "inhibition": inhibition}
    return model, finish(train(model, data, **options))


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
        env=os.environ | {"PYTHONPATH": PATHS, "OMP_NUM_THREADS": "1"},
        check=True,
        timeout=300,
    )
    model, _ = trained()
    score = evaluate(model, noisy()[:101])
    for rank in (0, 1):
        shared = torch.load(tmp_path / f"score{rank}.pt", weights_only=True)
        assert shared == pytest.approx(score, rel=1e-5)
        state = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        torch.testing.assert_close(state, dict(model.state_dict()))


@pytest.fixture
def half_precision(monkeypatch):
    """Start as a launcher would that asks for it: the state is that of the process."""
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.usefixtures("half_precision")
def test_the_launcher_may_ask_for_half_precision_while_training():
    seen = []
    model = small_resnet(widths=(8, 8), seed=0)
    model[1][0].register_forward_hook(lambda m, i, out: seen.append(out.dtype))
    finish(train(model, tiny(), epochs=1, batch_size=32, seed=0))
    assert torch.bfloat16 in seen
    seen.clear()
    copied = copy.deepcopy(model)
    evaluate(model, tiny())
    assert set(seen) == {torch.float32}
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert evaluate(copied, tiny()).loss != evaluate(model, tiny()).loss
