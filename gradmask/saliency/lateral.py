"""Lateral saliency: where in an image the errors of a logit stand out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradmask.functional import error_energy, laplacian_of_gaussian, lateral_response
from gradmask.functional._numerics import rounding_error
from gradmask.masking import (
    ACTIVATIONS,
    Layers,
    choose,
    follows_linear,
    recorded,
    types_in,
)

__all__ = ["lateral_saliency"]


def lateral_saliency(
    model: nn.Module,
    x: Tensor,
    target: int | Tensor | None = None,
    *,
    kernel: Tensor | None = None,
    layers: Layers | None = None,
) -> Tensor:
    r"""Saliency map of lateral inhibition: where the errors of a logit stand out.

    .. math:: S = \sum_{i} \uparrow\!\big[\, k * \lVert \delta_i \rVert_2 \,\big]_+

    with delta_i the gradient of the target's logit at the input of activation i, the
    norm taken over channels, the response kept where it is positive, and the arrow
    for bilinear interpolation to the size of the image.

    Parameters
    ----------
    model : nn.Module
        Classifier: images (B, C, H, W) to logits (B, K).  It is run in evaluation
        mode, where no :class:`gradmask.GradientMask` masks anything; the modes of
        all its modules are restored, and no parameter's ``grad`` is touched.
    x : Tensor
        Images of shape (B, C, H, W), floating point.
    target : int or (B,) integer tensor, optional
        The logit to explain, for all images or for each.  Default: the largest.
    kernel : (k, k) Tensor, optional
        On-centre kernel.  Default: ``laplacian_of_gaussian(1.0, size=5)``.
    layers : type, tuple of types, str, sequence of str, or callable, optional
        Which modules, as for :meth:`gradmask.GradientMask.attach`; those that are not
        activations are taken at their output.  Default: every activation.

    Returns
    -------
    Tensor
        Map of shape (B, H, W), detached, scaled to [0, 1] for each image.  A map that
        is constant gives zeros.

    Raises
    ------
    ValueError
        If no module matches, none has a feature map as large as the kernel, or x,
        target or the model's output has the wrong shape.

    Notes
    -----
    Feature maps smaller than the kernel, tensors that are not maps and activations
    behind a Linear layer, whose channels come last, are skipped.  Functional
    activations cannot be seen.  Half-precision errors are filtered in float32.

    References
    ----------
    The map of the companion code of Jiang et al., arXiv:2208.06918, whose kernel is
    off-centre and its response negated.

    Examples
    --------
    >>> model = nn.Sequential(
    ...     nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(324, 10)
    ... )
    >>> saliency = lateral_saliency(model, torch.randn(2, 1, 9, 9), target=3)
    >>> saliency.shape, bool((saliency >= 0).all() and (saliency <= 1).all())
    (torch.Size([2, 9, 9]), True)
    """
    if x.dim() != 4 or not x.is_floating_point():
        raise ValueError(
            "x must be a floating-point tensor of shape (B, C, H, W), got "
            f"{x.dtype} of shape {tuple(x.shape)}"
        )
    if kernel is None:
        kernel = laplacian_of_gaussian(1.0, size=5, dtype=torch.float64)
    sites = _sites(model, layers)
    size = (x.shape[2], x.shape[3])
    if len(x) == 0:
        dtype = torch.promote_types(x.dtype, torch.float32)
        return x.new_zeros(0, *size, dtype=dtype)
    maps: list[Tensor] = []

    def record(_: str, delta: Tensor) -> None:
        if delta.dim() == 4 and min(delta.shape[-2:]) >= len(kernel):
            positive = _positive_response(delta, kernel)
            maps.append(F.interpolate(positive, size, mode="bilinear")[:, 0])

    with torch.inference_mode(False), torch.enable_grad(), _evaluated(model):
        image = x.detach().clone().requires_grad_()
        with recorded(sites, record):
            logits = model(image.clone())
            chosen = logits.gather(1, _targets(logits, target, len(x)))
            torch.autograd.grad(chosen.sum(), image)
    if not maps:
        raise ValueError(
            f"none of {', '.join(sites)} has a feature map as large as the "
            f"{len(kernel)}x{len(kernel)} kernel"
        )
    return _unit_range(torch.stack(maps).sum(0))


def _sites(model: nn.Module, layers: Layers | None) -> dict[str, nn.Module]:
    modules = dict(model.named_modules())
    names, _ = choose(modules, ACTIVATIONS if layers is None else layers)
    sites = {
        name: module
        for name in names
        if not isinstance(module := modules[name], ACTIVATIONS)
        or not follows_linear(modules, name)
    }
    if not sites:
        raise ValueError(
            f"no module matches layers={layers!r}. The model has modules of the types "
            f"{types_in(modules)}; functional calls such as F.relu cannot be seen, and "
            "activations behind a Linear layer, whose channels come last, are skipped"
        )
    return sites


@contextmanager
def _evaluated(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, uncompiled (compiled code would not see new hooks)."""
    modes = [(module, module.training) for module in model.modules()]
    with ExitStack() as stack:
        if "torch._dynamo" in sys.modules:
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        try:
            model.eval()
            yield
        finally:
            for module, mode in modes:
                module.training = mode


def _targets(logits: object, target: int | Tensor | None, count: int) -> Tensor:
    if not isinstance(logits, Tensor) or logits.dim() != 2 or len(logits) != count:
        shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits)
        raise ValueError(f"the model must return logits of shape (B, K), got {shape}")
    if target is None:
        return logits.argmax(1, keepdim=True)
    indices = torch.as_tensor(target, device=logits.device)
    if indices.is_floating_point() or indices.dtype == torch.bool:
        raise ValueError(f"target must be an integer, got {indices.dtype}")
    if indices.dim() and indices.shape != (count,):
        raise ValueError(
            f"target must be one index or {count}, got shape {tuple(indices.shape)}"
        )
    if ((indices < 0) | (indices >= logits.shape[1])).any():
        raise ValueError(f"target must lie in 0 ... {logits.shape[1] - 1}")
    return indices.long().expand(count)[:, None]


def _positive_response(delta: Tensor, kernel: Tensor) -> Tensor:
    """Positive part of the response, with rounding errors of a flat map put to zero."""
    energy = error_energy(delta)
    response = lateral_response(energy, kernel)
    return response * (response > rounding_error(energy, kernel.to(energy)))


def _unit_range(maps: Tensor) -> Tensor:
    lowest, highest = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    extent = highest - lowest
    return (maps - lowest) / torch.where(extent == 0, 1.0, extent)
