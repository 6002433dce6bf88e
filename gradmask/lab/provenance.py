"""What a run is made with: commit, date, versions and hardware."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

from gradmask.lab.records import ROOT

__all__ = ["provenance"]


def provenance(device: torch.device) -> dict[str, str | int]:
    """Say what a run is made with: commit, date, versions and hardware.

    The commit is that of a clone of the project, and ends in "+" where the library
    differs from it; an installed package has none.
    """
    return {
        "commit": _commit(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "gradmask": version("gradmask"),
        "hardware": _hardware(device),
        "device": device.type,
        "threads": torch.get_num_threads(),
    }


def _commit() -> str:
    # An installed package may lie in somebody else's repository.
    top = _git("rev-parse", "--show-toplevel")
    if not top or Path(top).resolve() != ROOT.resolve():
        return "unknown"
    changed = "+" if _git("status", "--porcelain", "--", "gradmask") else ""
    return _git("rev-parse", "--short=10", "HEAD") + changed


def _git(*words: str) -> str:
    """What git says of the project, or nothing."""
    try:
        said = subprocess.run(
            ["git", "-C", str(ROOT), *words], capture_output=True, text=True
        )
    except OSError:
        return ""
    return said.stdout.strip() if said.returncode == 0 else ""


def _hardware(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    model = platform.processor() or platform.machine()
    if sys.platform == "linux":
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        names = [line.split(":", 1)[1] for line in lines if line.startswith("model n")]
        model = names[0].strip() if names else model
    return f"{model}, {os.cpu_count()} cores"
