"""Fixtures of all tests: every device there is, one thread, reproducible examples."""

import gc

import pytest
import torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile(
    "repeatable", derandomize=True, deadline=None, max_examples=40
)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True, scope="module")
def _freeze():
    """Keep what is imported out of later searches for garbage, which it slows."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture(params=["cpu", "cuda", "mps"])
def device(request):
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    if request.param == "mps" and not torch.backends.mps.is_available():
        pytest.skip("no MPS device")
    return torch.device(request.param)
