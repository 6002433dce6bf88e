"""The weights route: a convolution's own weights see the masked error.

The plain error flows on.  An autograd node takes the place of the convolution's own,
and learns from the normalisation behind it what that lets through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function
from torch.utils.hooks import RemovableHandle

from gradmask.functional import contribution_energy, project_out
from gradmask.masking.layers import NORMALISATIONS, unfit_for_weights
from gradmask.masking.site import Hook, Site, Switch, alias

__all__ = ["WeightsRoute"]


@dataclass(frozen=True)
class WeightsRoute:
    """Where the weights route acts, which energy competes, and whether to project."""

    contribution: bool = False
    project: bool = True
    default = nn.Conv2d
    unfit = staticmethod(unfit_for_weights)

    def place(
        self, model: nn.Module, modules: Mapping[str, nn.Module], switch: Switch
    ) -> tuple[list[Site], list[RemovableHandle]]:
        """Hook the named convolutions of a network, and its normalisations."""
        sites: list[Site] = []
        hooks = []
        for name, conv in modules.items():
            sites.append(site := WeightsSite(switch, name, conv, self.contribution))
            hooks.append(conv.register_forward_hook(site, prepend=True))
        if self.project:
            hooks += [
                module.register_forward_pre_hook(NormalisationHook())
                for module in model.modules()
                if isinstance(module, NORMALISATIONS)
            ]
        return sites, hooks


@dataclass
class Following:
    """What follows a convolution's output, learnt when the normalisation runs."""

    runs: bool = False
    z: Tensor | None = None
    groups: int | None = None


class WeightsSite(Site):
    """Masks the error that a convolution's weights see."""

    def __init__(
        self, switch: Switch, name: str, module: nn.Module, contribution: bool
    ) -> None:
        super().__init__(switch, name, module)
        self.contribution = contribution

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def __call__(self, module: nn.Conv2d, args: tuple[Any, ...], output: Any) -> Any:
        if not (self.on() and self.is_map(output)):
            return None
        following = Following()
        output = mask_weights(module, self.input(args), output, self, following)
        output._gradmask_following = following
        return output


class NormalisationHook(Hook):
    """Tells the convolution, whose output arrives here, how it is normalised."""

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        following = getattr(args[0], "_gradmask_following", None) if args else None
        if following is None or not _uses_own_statistics(module):
            return
        following.runs, following.z = True, args[0].detach()
        if isinstance(module, nn.GroupNorm):
            following.groups = module.num_groups
        elif isinstance(module, nn.InstanceNorm2d):
            following.groups = args[0].shape[1]


def _uses_own_statistics(module: nn.Module) -> bool:
    return module.training or getattr(module, "running_mean", None) is None


def mask_weights(
    conv: nn.Conv2d,
    x: Tensor,
    output: Tensor,
    site: WeightsSite,
    following: Following,
) -> Tensor:
    """Return a convolution's output with a node of its own, whose weights see the mask.

    The weight and the bias (a weight whose activation is one everywhere) receive the
    masked error, projected by what `following` says; x receives the plain error.  No
    second convolution is computed in the forward pass.
    """
    dtype = output.dtype
    weight = conv.weight.to(dtype)
    bias = None if conv.bias is None else conv.bias.to(dtype)
    x, padding = _explicit_padding(conv, x.to(dtype))
    geometry = _Geometry(conv.stride, padding, conv.dilation, conv.groups)
    return cast(
        Tensor,
        _MaskedWeights.apply(
            x, weight, bias, output.detach(), geometry, site, following
        ),
    )


@dataclass(frozen=True)
class _Geometry:
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    def gradients(
        self,
        delta: Tensor,
        x: Tensor,
        weight: Tensor,
        wanted: tuple[bool, bool, bool],
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        return torch.ops.aten.convolution_backward(  # type: ignore[no-any-return]
            delta, x, weight, [weight.shape[0]], self.stride, self.padding,
            self.dilation, False, [0, 0], self.groups, wanted,
        )  # fmt: skip

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.conv2d(
            x, weight, bias, self.stride, self.padding, self.dilation, self.groups
        )


class _MaskedWeights(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        output: Tensor,
        geometry: _Geometry,
        site: WeightsSite,
        following: Following,
    ) -> Tensor:
        return alias(output)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, bias, _, ctx.geometry, ctx.site, ctx.following = inputs
        ctx.save_for_backward(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias = ctx.saved_tensors
        geometry, site = ctx.geometry, ctx.site
        for_input, for_weight, for_bias = ctx.needs_input_grad[:3]
        dx = dw = db = None
        if for_weight or for_bias:
            masked = site.switch.masked(delta, _contribution(ctx, delta, x, weight))
            if masked is not delta:
                masked = _projected(ctx, masked, x, weight, bias)
            # Let go as autograd lets go of what it saves, also where the map was too
            # small to be masked.
            ctx.following.z = None
            wanted = (False, for_weight, for_bias)
            _, dw, db = geometry.gradients(masked, x, weight, wanted)
            del masked
        if for_input:
            dx, _, _ = geometry.gradients(delta, x, weight, (True, False, False))
        return dx, dw, db, None, None, None, None


def _contribution(ctx: Any, delta: Tensor, x: Tensor, weight: Tensor) -> Tensor | None:
    if not ctx.site.contribution:
        return None
    geometry = ctx.geometry
    with torch.no_grad():
        return contribution_energy(
            delta,
            x,
            weight.shape[-2:],
            stride=geometry.stride,
            padding=geometry.padding,
            dilation=geometry.dilation,
            groups=geometry.groups,
        )


def _projected(
    ctx: Any, masked: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None
) -> Tensor:
    following = ctx.following
    if not following.runs:
        return masked
    # The kept z is detached, lest it hold the graph that holds it.  A second pass
    # through a retained graph, where it is gone, computes it again, and so does a
    # double backward pass, to differentiate it.
    z = following.z
    if z is None or torch.is_grad_enabled():
        z = ctx.geometry.forward(x, weight, bias)
    inplace = not torch.is_grad_enabled()
    return project_out(masked, z, following.groups, inplace=inplace)


def _explicit_padding(conv: nn.Conv2d, x: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    sides = conv._reversed_padding_repeated_twice
    symmetric = sides[0::2] == sides[1::2]
    if conv.padding_mode == "zeros" and symmetric:
        return x, tuple(reversed(sides[0::2]))
    mode = "constant" if conv.padding_mode == "zeros" else conv.padding_mode
    return F.pad(x, sides, mode=mode), (0, 0)
