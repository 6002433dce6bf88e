"""Time of a training step with a mask over the time of the same step without.

    python benchmarks/overhead.py [--device cuda] [--rounds 30]

Every variant has its own copy of the network, and all take one step in every round, so
that a busy machine slows them alike; a ratio is the median over the rounds of the
variant's time over plain training's in the same round.

What bounds it: a mask must read the error twice (once for its energy, once to mask it)
and write it once, where plain backpropagation reads and writes it several times per
layer.  The filter itself works on one channel and is small beside a convolution.  The
weights route splits the convolution's backward pass into two calls and, where a
normalisation follows, projects the masked error, which reads the error and the
convolution's output once more.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import resnet18

import gradmask as gm
from gradmask.lab.models import small_resnet

Attach = Callable[[nn.Module], object]

VARIANTS: dict[str, Attach] = {
    "plain": lambda model: None,
    "signal, 5x5": gm.GradientMask(1.0, size=5).attach,
    "signal, two scales": gm.GradientMask((1.0, 1.4), size=5).attach,
    "weights, 5x5": gm.GradientMask(1.0, size=5, route="weights").attach,
    "weights, not projected": gm.GradientMask(
        1.0, size=5, route="weights", project=False
    ).attach,
    "weights, contribution, sized to the map": gm.GradientMask(
        0.12, relative=True, route="weights", energy="contribution"
    ).attach,
    "plain hook, 5x5": lambda model: attach_plain_hook(model, together),
    "plain hook, one sample at a time": lambda model: attach_plain_hook(model, singly),
}


def attach_plain_hook(model: nn.Module, masked: Callable[[Tensor], Tensor]) -> None:
    """Mask as a first attempt would: a tensor hook at every activation's input."""

    def hook(module: nn.Module, args: tuple[Tensor, ...]) -> None:
        args[0].register_hook(masked)

    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
            module.register_forward_pre_hook(hook)


def together(delta: Tensor) -> Tensor:
    """Mask all samples at once, by the formula as it is written."""
    if min(delta.shape[-2:]) < 5:
        return delta
    kernel = gm.laplacian_of_gaussian(1.0, size=5).to(delta)
    energy = delta.norm(dim=1, keepdim=True)
    response = F.conv2d(F.pad(energy, (2,) * 4, mode="reflect"), kernel[None, None])
    return torch.where(response > 0, delta, 0)


def singly(delta: Tensor) -> Tensor:
    """Mask one sample after the other, as code written for single images does."""
    return torch.cat([together(sample) for sample in delta.split(1)])


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "small ResNet": (lambda: small_resnet(seed=0), (128, 1, 28, 28)),
    "ResNet-18": (lambda: resnet18(num_classes=10), (64, 3, 32, 32)),
}


def main() -> None:
    """Print a table of ratios for every network."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--channels-last", action="store_true")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    print(f"torch {torch.__version__}, {device}, {torch.get_num_threads()} threads")
    for name, (build, shape) in NETWORKS.items():
        size = "x".join(map(str, shape))
        print(f"\n| {name}, {size} | ratio | quartiles |\n|---|---|---|")
        steps = {}
        original = build()
        for variant, attach in VARIANTS.items():
            model = copy.deepcopy(original).to(device).train()
            if arguments.channels_last:
                model = model.to(memory_format=torch.channels_last)
            attach(model)
            steps[variant] = stepper(model, shape, device, arguments.channels_last)
        for variant, ratios in measure(steps, arguments.rounds, device).items():
            low, middle, high = statistics.quantiles(ratios, n=4)
            print(f"| {variant} | {middle:.3f} | {low:.3f} to {high:.3f} |")


def stepper(
    model: nn.Module, shape: tuple[int, ...], device: torch.device, channels_last: bool
) -> Callable[[], None]:
    """One training step on fixed random data."""
    images, labels = torch.rand(shape, device=device), torch.arange(shape[0]) % 10
    if channels_last:
        images = images.contiguous(memory_format=torch.channels_last)
    labels = labels.to(device)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return step


def measure(
    steps: dict[str, Callable[[], None]], rounds: int, device: torch.device
) -> dict[str, list[float]]:
    """Ratios to the first variant, a step of each in every round, in turn."""

    def seconds(step: Callable[[], None]) -> float:
        begin = time.perf_counter()
        step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - begin

    for step in steps.values():
        for _ in range(3):
            step()
    first, *_ = steps
    ratios: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        times = {name: seconds(step) for name, step in steps.items()}
        for name, value in times.items():
            ratios[name].append(value / times[first])
    return ratios


if __name__ == "__main__":
    main()
