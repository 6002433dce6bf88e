"""What a computation costs: its time over another's in one run, and its memory."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

__all__ = ["Step", "interleaved", "peak_bytes"]

Step = Callable[[], object]


def interleaved(
    steps: Mapping[str, Step], rounds: int, device: torch.device
) -> dict[str, list[float]]:
    """Time every step once in every round, in turn.

    A busy machine slows the steps of a round alike, so that their ratios mean more
    than their times.

    Parameters
    ----------
    steps : mapping of str to callable
        What to time; each runs three times beforehand.
    rounds : int
        How often.
    device : torch.device
        Where the steps compute; a CUDA device is waited for.

    Returns
    -------
    dict of str to list of float
        Seconds, one for each round.
    """

    def seconds(step: Step) -> float:
        begin = time.perf_counter()
        step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - begin

    for step in steps.values():
        for _ in range(3):
            step()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            times[name].append(seconds(step))
    return times


def peak_bytes(step: Step, device: torch.device) -> int:
    """Most memory that a step holds at once, beyond what was held before it.

    On the CPU the profiler reports every tensor's allocation and release, and the peak
    is the largest rise of their running sum: exact and repeatable, where a process's
    resident size depends on what the system's allocator keeps.  Not seen is scratch
    space inside a kernel, and not counted the release of what was held before.  On CUDA
    the caching allocator counts.

    Parameters
    ----------
    step : callable
        The computation; it runs once beforehand.
    device : torch.device
        Where it computes: the CPU or a CUDA device.

    Returns
    -------
    int
        Bytes.

    Examples
    --------
    >>> peak_bytes(lambda: torch.ones(250) + torch.ones(250), torch.device("cpu"))
    3000
    """
    step()
    gc.collect()  # what others left behind must not be released, and counted, meanwhile
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        held = torch.cuda.memory_allocated(device)
        step()
        return torch.cuda.max_memory_allocated(device) - held
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step()
    events = profiler.profiler.kineto_results.events()
    changes = [event for event in events if event.name() == "[memory]"]
    changes.sort(key=lambda event: event.start_ns())
    running = np.cumsum([0, *(event.nbytes() for event in changes)])
    return int((running - np.minimum.accumulate(running)).max())
