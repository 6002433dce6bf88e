"""The gradient of every sample on its own, by torch.func."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

__all__ = ["per_sample_gradients"]

LossFunction = Callable[[Tensor, Tensor], Tensor]


def per_sample_gradients(
    model: nn.Module,
    loss_fn: LossFunction,
    x: Tensor,
    y: Tensor,
    *,
    chunk_size: int = 32,
    max_bytes: int = 2**30,
) -> dict[str, Tensor]:
    r"""Gradient of every sample's own loss with respect to the parameters.

    .. math:: g_i = \nabla_w \, \ell(f_w(x_i), y_i)

    The network runs in the modes it is in; its parameters, their ``grad`` fields, its
    modes, its buffers and the random state are left as they were.  A mask that is
    attached and active acts here as it does in training.

    Parameters
    ----------
    model : nn.Module
        The network.  Put its batch normalisations in evaluation mode first.
    loss_fn : callable
        ``loss_fn(output, target)``, a scalar for a batch of one.
    x, y : Tensor
        Inputs and targets of B samples, first dimension B each.
    chunk_size : int, default 32
        Samples differentiated at a time.  Fewer need less memory and more time; one
        does without :func:`torch.func.vmap`.
    max_bytes : int, default 2**30
        Bound on the gradients held at once: those of all samples, and of one chunk
        while it is copied.  The activations of a pass over one chunk come on top.

    Returns
    -------
    dict of str to Tensor
        By parameter name, ``(B, *shape)`` in the parameter's dtype; only of those
        that require grad.

    Raises
    ------
    ValueError
        If a module mixes samples (batch normalisation with batch statistics) or keeps
        running statistics of them, x and y differ in length, nothing requires grad, a
        sample's loss is not a scalar, chunk_size is not positive, or more than
        max_bytes would be needed.

    Notes
    -----
    Every sample passes through the network alone, so code that mixes samples outside
    of normalisation modules (a mean over the batch, say) sees batches of one.  Dropout
    draws for each sample.  Autocast is off inside.

    :func:`torch.func.vmap` refuses data-dependent control flow and some random layers
    (torchvision's ``StochasticDepth`` in training mode) with a RuntimeError; then
    take ``chunk_size=1``.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(36, 10))
    >>> x, y = torch.randn(8, 1, 5, 5), torch.arange(8)
    >>> grads = per_sample_gradients(model, nn.CrossEntropyLoss(), x, y)
    >>> grads["0.weight"].shape
    torch.Size([8, 4, 1, 3, 3])
    """
    if len(x) != len(y):
        raise ValueError(f"x has {len(x)} samples and y has {len(y)}")
    if chunk_size < 1:
        raise ValueError(f"chunk_size must be at least 1, got {chunk_size}")
    _refuse_mixing(model)
    weights = {
        name: p.detach() for name, p in model.named_parameters() if p.requires_grad
    }
    if not weights:
        raise ValueError("the model has no parameter that requires grad")
    _refuse_excess(weights, len(x), chunk_size, max_bytes)

    def loss(weights: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        # Of their own for every sample: what a pass writes, no other may see.
        buffers = {name: b.clone() for name, b in model.named_buffers()}
        output = functional_call(model, {**buffers, **weights}, (x[None],))
        value = loss_fn(output, y[None])
        if value.numel() != 1:
            raise ValueError(
                "loss_fn must give a scalar for one sample, got shape "
                f"{tuple(value.shape)}"
            )
        return value.reshape(())

    gradients = grad(loss)
    if chunk_size > 1:
        gradients = vmap(gradients, in_dims=(None, 0, 0), randomness="different")
    grads = {name: w.new_empty(len(x), *w.shape) for name, w in weights.items()}
    with undisturbed(x.device), _hints():
        for start in range(0, len(x), chunk_size):
            part = slice(start, start + chunk_size) if chunk_size > 1 else start
            for name, chunk in gradients(weights, x[part], y[part]).items():
                grads[name][part] = chunk
    return grads


_CHECKPOINT = "saved tensor hooks", "_NoopSaveInputs"
"""What PyTorch says of one, from version to version."""


@contextmanager
def _hints() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if any(sign in str(error) for sign in _CHECKPOINT):
            error.add_note(
                "torch.func cannot see through a checkpoint (or what else keeps saved "
                "tensors elsewhere); switch it off while gradients are measured"
            )
        else:
            error.add_note("chunk_size=1 does without torch.func.vmap")
        raise


@contextmanager
def undisturbed(device: torch.device) -> Iterator[None]:
    """Measure without traces, in full precision.

    The random state of the CPU is restored, and that of `device` if it is a CUDA one;
    autocast is off; compiled networks run as written.
    """
    with ExitStack() as stack:
        stack.enter_context(
            torch.random.fork_rng([device] if device.type == "cuda" else [])
        )
        stack.enter_context(torch.autocast(device.type, enabled=False))
        if "torch._dynamo" in sys.modules:
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        yield


def _refuse_mixing(model: nn.Module) -> None:
    for name, module in model.named_modules():
        if why := _mixing(module):
            raise ValueError(
                "no sample has a gradient of its own: "
                f"{name or 'the model'} ({type(module).__name__}) {why}"
            )


def _mixing(module: nn.Module) -> str | None:
    evaluate = "put it in evaluation mode (module.eval())"
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        return "spreads the batch over devices; pass the network in it (model.module)"
    tracking = getattr(module, "running_mean", None) is not None
    if isinstance(module, _BatchNorm) and not tracking:
        return "has only the statistics of the batch; use GroupNorm in its place"
    if isinstance(module, _BatchNorm) and module.training:
        return f"normalises with the statistics of the batch; {evaluate}"
    if isinstance(module, _InstanceNorm) and module.training and tracking:
        return f"averages its running statistics over the batch; {evaluate}"
    return None


def _refuse_excess(
    weights: dict[str, Tensor], samples: int, chunk_size: int, max_bytes: int
) -> None:
    each = sum(w.numel() * w.element_size() for w in weights.values())
    needed = (samples + min(chunk_size, samples)) * each
    if needed > max_bytes:
        raise ValueError(
            f"per-sample gradients of {samples} samples in chunks of {chunk_size} need "
            f"{_size(needed)} ({_size(each)} a sample), more than max_bytes = "
            f"{_size(max_bytes)}: take fewer samples or smaller chunks, or raise "
            "max_bytes"
        )


def _size(n: float) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if n < 1024:
            return f"{n:.4g} {unit}"
        n /= 1024
    return f"{n:.4g} GiB"
