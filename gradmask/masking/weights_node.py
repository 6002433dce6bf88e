"""The autograd node of the weights route, in place of a convolution's own.

It learns from the normalisation behind it what that lets through.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn
from torch.autograd import Function

from gradmask import fused
from gradmask.functional import project_out
from gradmask.masking.convolution import Geometry, read
from gradmask.masking.normalisation import Following, Reader
from gradmask.masking.site import Switch, alias
from gradmask.masking.steering import Steering

__all__ = ["mask_compiled_weights", "mask_weights"]


class Masks(Protocol):
    """The site of a convolution."""

    switch: Switch
    steering: Steering | None

    def masked_for(
        self, delta: Tensor, x: Tensor, weight: Tensor, geometry: Geometry
    ) -> Tensor:
        """Return the error that competes at this convolution, masked."""


def mask_weights(
    conv: nn.Conv2d, x: Tensor, output: Tensor, following: Following
) -> Tensor:
    """Return a convolution's output with a node of its own, whose weights see the mask.

    The weight and the bias (a weight whose activation is one everywhere) receive the
    masked error, projected by what `following` says; x receives the plain error.  No
    second convolution is computed in the forward pass.
    """
    x, weight, bias, geometry = read(conv, x, output.dtype)
    transformed = torch._C._are_functorch_transforms_active()
    node = _TransformedWeights if transformed else _MaskedWeights
    masked = node.apply(x, weight, bias, output.detach(), geometry, following)
    return cast(Tensor, masked)


def mask_compiled_weights(
    conv: nn.Conv2d, x: Tensor, output: Tensor, site: Masks, by: Reader | None
) -> Tensor:
    """Do as :func:`mask_weights`, where it is known by whom to project."""
    x, weight, bias, geometry = read(conv, x, output.dtype)
    groups = () if by is None else (by.groups,)
    masked = _CompiledWeights.apply(
        x, weight, bias, output.detach(), geometry, site, groups
    )
    return cast(Tensor, masked)


class _MaskedWeights(Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        output: Tensor,
        geometry: Geometry,
        following: Following,
    ) -> Tensor:
        _set_up(ctx, (x, weight, bias, output, geometry, following), output)
        return alias(output)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias = ctx.saved_tensors
        following = ctx.following

        def masked() -> Tensor:
            following.arrive(delta)
            error = following.site.masked_for(delta, x, weight, ctx.geometry)
            if error is not delta:
                error = _projected(ctx, error, x, weight, bias)
            # Also where nothing was masked.
            following.let_go()
            return error

        return *_gradients(ctx, following.site, delta, masked, x, weight), *(None,) * 3


class _TransformedWeights(Function):
    """The same for torch.func, whose transforms ask for a context set up apart."""

    generate_vmap_rule = True

    @staticmethod
    def forward(
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        output: Tensor,
        geometry: Geometry,
        following: Following,
    ) -> Tensor:
        return alias(output)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _set_up(ctx, inputs, output)

    backward = _MaskedWeights.backward


def _set_up(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, weight, bias, _, ctx.geometry, ctx.following = inputs
    ctx.channels_axis = 1
    ctx.save_for_backward(x, weight, bias)


def _gradients(
    ctx: Any,
    site: Masks,
    delta: Tensor,
    masked: Callable[[], Tensor],
    x: Tensor,
    weight: Tensor,
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """By the input of the plain error; by weight and bias, if wanted, of the masked."""
    for_input, for_weight, for_bias = ctx.needs_input_grad[:3]
    gradients = ctx.geometry.gradients
    dx = dw = db = None
    if for_weight or for_bias:
        error = masked()
        if site.steering and error is not delta:
            if site.switch.measuring and not torch.compiler.is_compiling():
                by_weight = (False, True, False)
                pair = (gradients(t, x, weight, by_weight)[1] for t in (delta, error))
                site.steering.collect(*pair)
            error = site.steering.between(delta, error)
        _, dw, db = gradients(error, x, weight, (False, for_weight, for_bias))
    if for_input:
        dx, _, _ = gradients(delta, x, weight, (True, False, False))
    return dx, dw, db


def _projected(
    ctx: Any, masked: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None
) -> Tensor:
    following = ctx.following
    if not following.projects:
        return masked
    # The kept z is detached, lest it hold the graph that holds it.  A second pass
    # through a retained graph, where it is gone, computes it again, and so does a
    # double backward pass, to differentiate it.
    z = following.z
    if z is None or torch.is_grad_enabled():
        z = ctx.geometry.forward(x, weight, bias)
    groups = following.reader.groups
    if torch.is_grad_enabled():
        return project_out(masked, z, groups)
    project = fused.project_out if fused.serves(masked) else project_out
    return project(masked, z, groups, inplace=True)


class _CompiledWeights(Function):
    """The same in compiled code, where the context holds no state of a pass."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        output: Tensor,
        geometry: Geometry,
        site: Masks,
        groups: tuple[int | None, ...],
    ) -> Tensor:
        ctx.geometry, ctx.site, ctx.groups = geometry, site, groups
        ctx.save_for_backward(x, weight, output if groups else None)
        # Where compiled code ends here, nobody could modify an alias in place; within
        # it the copy is fused away.
        return output.clone()

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, z = ctx.saved_tensors

        def masked() -> Tensor:
            error = ctx.site.masked_for(delta, x, weight, ctx.geometry)
            return project_out(error, z, *ctx.groups) if ctx.groups else error

        return *_gradients(ctx, ctx.site, delta, masked, x, weight), *(None,) * 4
