"""The same training on one process and on two, each with a launcher's environment."""

import copy
import os

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from accelerate.state import AcceleratorState

import gradmask as gm
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.data.images import ImageSet
from gradmask.lab.measures.accuracy import evaluate, evaluate_shared
from gradmask.lab.networks.small import small_cnn, small_resnet
from gradmask.lab.training.loop import finish, train


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


def work(rank, folder):
    """Train and score as one of the processes that a launcher starts."""
    here = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}
    os.environ |= {name: str(value) for name, value in here.items()}
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2
    )
    torch.set_num_threads(1)
    model, _ = trained()
    assert AcceleratorState().num_processes == 2
    torch.save(model.state_dict(), f"{folder}/{rank}.pt")
    score = evaluate_shared(model, noisy()[:101], batch_size=20)
    torch.save(tuple(score), f"{folder}/score{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.skipif(
    not dist.is_available() or not dist.is_gloo_available(),
    reason="this PyTorch has no gloo",
)
def test_two_processes_train_as_one_does(tmp_path):
    mp.get_context("forkserver").set_forkserver_preload(["gradmask.lab.training.loop"])
    mp.start_processes(work, (tmp_path,), nprocs=2, start_method="forkserver")
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
