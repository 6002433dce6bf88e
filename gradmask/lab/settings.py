"""How much work to do, and where: the one knob that every notebook shares."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

import torch

__all__ = [
    "BUDGETS",
    "active_budget",
    "budget",
    "cache_folder",
    "find_device",
    "multiplies_halves",
]

T = TypeVar("T")

BUDGETS = ("smoke", "laptop", "gpu")


def active_budget() -> str:
    """Name of the budget in force: the environment variable ``GRADMASK_BUDGET``.

    Returns
    -------
    str
        "smoke" (tests, seconds), "laptop" (the default: two CPU cores, a chapter in
        minutes) or "gpu" (the full thing).

    Raises
    ------
    ValueError
        If the variable holds anything else.
    """
    name = os.environ.get("GRADMASK_BUDGET", "laptop")
    if name not in BUDGETS:
        raise ValueError(f"GRADMASK_BUDGET must be one of {BUDGETS}, got {name!r}")
    return name


def budget(*, smoke: T, laptop: T, gpu: T) -> T:
    """Choose a value by the budget in force.

    Examples
    --------
    >>> epochs = budget(smoke=1, laptop=8, gpu=50)
    """
    return {"smoke": smoke, "laptop": laptop, "gpu": gpu}[active_budget()]


def cache_folder() -> Path:
    """Folder of what can be made or downloaded again: ``~/.cache/gradmask``.

    The environment variable ``XDG_CACHE_HOME`` moves it.
    """
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "gradmask"


def find_device() -> torch.device:
    """Return the fastest device that this machine has: CUDA, then MPS, then CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def multiplies_halves(device: torch.device) -> bool:
    """Whether a device has units that multiply matrices of bfloat16.

    GPUs have, and CPUs with AVX512-BF16, as all with AMX have; others would be slower
    than in float32.
    """
    if device.type == "cpu":
        return torch.cpu._is_avx512_bf16_supported()
    return device.type == "cuda"
