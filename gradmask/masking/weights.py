"""The weights route: a convolution's own weights see the masked error.

The plain error flows on.  An autograd node takes the place of the convolution's own,
and learns from the normalisation behind it what that lets through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.modules.module import _global_forward_hooks
from torch.utils.hooks import RemovableHandle

from gradmask.functional import contribution_energy, project_out
from gradmask.functional._numerics import at_least_float32
from gradmask.masking.convolution import (
    CLOSE,
    Geometry,
    numbers_are_there,
    read,
    verify,
)
from gradmask.masking.graph import producer
from gradmask.masking.layers import (
    NORMALISATIONS,
    computes_otherwise,
    unfit_for_weights,
)
from gradmask.masking.signal import mask_signal
from gradmask.masking.site import AGAIN, Hook, Site, Switch, alias

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
        sites: list[WeightsSite] = []
        hooks = []
        for name, conv in modules.items():
            assert isinstance(conv, nn.Conv2d)
            site = WeightsSite(switch, name, conv, self.contribution, self.project)
            hooks.append(conv.register_forward_hook(site, prepend=True))
            sites.append(site)
        if self.project:
            hooks += [
                module.register_forward_pre_hook(
                    NormalisationHook(switch, name), with_kwargs=True
                )
                for name, module in model.named_modules()
                if isinstance(module, NORMALISATIONS)
            ]
        return list(sites), hooks


class Following:
    """What follows a convolution's output, learnt when the normalisation runs.

    The convolution's node holds it, and the normalisation finds it there: by the graph
    behind its input, whatever hooks, names or modules in place lie between.

    Attributes
    ----------
    site : WeightsSite
        Where the convolution is masked.
    norm : str or None
        Name of the normalisation.
    z : Tensor or None
        Convolution's output, until the backward pass.
    groups : int or None
        As in :func:`gradmask.functional.project_out`.
    share : Tensor or None
        Error that comes from the normalisation, as long as it is not known to be all.
    alone : bool
        Whether the normalisation is the only reader of the output.
    own_way : bool
        Whether the normalisation's class is none of PyTorch's.
    """

    def __init__(self, site: WeightsSite, output: Tensor) -> None:
        self.site = site
        self.shape = output.shape
        self.version = output._version
        self.norm: str | None = None
        self.z: Tensor | None = None
        self.groups: int | None = None
        self.share: Tensor | None = None
        self.own_way = False
        self.alone = True

    def keep(self, share: Tensor) -> Tensor:
        """Remember the normalisation's share of the error, and hand it on."""
        self.share = share
        return share


class WeightsSite(Site):
    """Masks the error that a convolution's weights see.

    Attributes
    ----------
    alone : dict of str to bool
        Normalisations of this convolution's output, and whether each was its only
        reader.  Who was so in the first pass is not asked again.
    """

    module: nn.Conv2d

    def __init__(
        self,
        switch: Switch,
        name: str,
        module: nn.Conv2d,
        contribution: bool,
        project: bool,
    ) -> None:
        super().__init__(switch, name, module)
        self.contribution = contribution
        self.project = project
        self.alone: dict[str, bool] = {}
        self._type = type(module)
        self._verified: tuple[Any, ...] | None = None

    @property
    def remark(self) -> str:
        if self._nothing_yet or not (self.project and self.fits):
            return super().remark
        by = [name for name, alone in self.alone.items() if alone]
        crowded = [name for name, alone in self.alone.items() if not alone]
        if crowded:
            return (
                f", not projected: {', '.join(crowded)} is not the only reader of its "
                "output, or normalises in its own way"
            )
        if by:
            return f", projected by {', '.join(by)}"
        return (
            ", not projected: no normalisation module takes its output as it is; if "
            "one should, call it right behind as a module"
        )

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def __call__(self, module: nn.Conv2d, args: tuple[Any, ...], output: Any) -> Any:
        if not self.on():
            return None
        self.expect(module)
        if self.look is not None:
            self.look()
        self._refuse_otherwise(module)
        if not self.is_map(output):
            return None
        x = self.input(args)
        if self._verified != (known := _surroundings(self, module)):
            self._verified = known if verify(self.called, module, x, output) else None
        self.fits = True
        return mask_weights(module, x, output, Following(self, output))

    def _refuse_otherwise(self, module: nn.Conv2d) -> None:
        why = computes_otherwise(module)
        if why is None and type(module) is not self._type:
            why = unfit_for_weights({self.name: module}, self.name)
            self._type = type(module)
        if why:
            raise RuntimeError(f"{self.called} cannot be masked: {why}; {AGAIN}")


def _surroundings(site: WeightsSite, conv: nn.Conv2d) -> tuple[Any, ...]:
    """What could change a convolution's output before the site sees it."""
    hooks = list(conv._forward_hooks.values())
    before = [*_global_forward_hooks.values(), *hooks[: hooks.index(site)]]
    return type(conv), *before


class NormalisationHook(Hook):
    """Informs the convolution, whose output arrives here, how it is normalised."""

    def __init__(self, switch: Switch, name: str) -> None:
        self.switch = switch
        self.name = name

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def __call__(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        z = args[0] if args else kwargs.get("input")
        if not (isinstance(z, Tensor) and _uses_own_statistics(module)):
            return None
        following = getattr(producer(z), "following", None)
        if following is None or not self._normalises(following, z):
            return None
        following.norm, following.z = self.name, z.detach()
        following.own_way = (
            type(module) not in NORMALISATIONS or "forward" in module.__dict__
        )
        if isinstance(module, nn.GroupNorm):
            following.groups = module.num_groups
        elif isinstance(module, nn.InstanceNorm2d):
            following.groups = z.shape[1]
        following.alone = following.site.alone.get(self.name, True)
        if following.site.alone.get(self.name) or not numbers_are_there(z):
            return None
        z = mask_signal(z, following.keep)
        return ((z, *args[1:]), kwargs) if args else (args, {**kwargs, "input": z})

    def _normalises(self, following: Following, z: Tensor) -> bool:
        site = following.site
        return (
            site.switch is self.switch
            and site.project
            and z.shape == following.shape
            and z._version == following.version
        )


def _uses_own_statistics(module: nn.Module) -> bool:
    return module.training or getattr(module, "running_mean", None) is None


def mask_weights(
    conv: nn.Conv2d, x: Tensor, output: Tensor, following: Following
) -> Tensor:
    """Return a convolution's output with a node of its own, whose weights see the mask.

    The weight and the bias (a weight whose activation is one everywhere) receive the
    masked error, projected by what `following` says; x receives the plain error.  No
    second convolution is computed in the forward pass.
    """
    x, weight, bias, geometry = read(conv, x, output.dtype)
    masked = _MaskedWeights.apply(x, weight, bias, output.detach(), geometry, following)
    return cast(Tensor, masked)


class _MaskedWeights(Function):
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
        x, weight, bias, _, ctx.geometry, ctx.following = inputs
        ctx.channels_axis = 1
        ctx.save_for_backward(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias = ctx.saved_tensors
        geometry, site = ctx.geometry, ctx.following.site
        for_input, for_weight, for_bias = ctx.needs_input_grad[:3]
        dx = dw = db = None
        if for_weight or for_bias:
            _look_for_other_readers(ctx.following, delta)
            masked = site.masked(delta, _contribution(ctx, delta, x, weight))
            if masked is not delta:
                masked = _projected(ctx, masked, x, weight, bias)
            # Let go as autograd lets go of what it saves, also where the map was too
            # small to be masked.
            ctx.following.z = ctx.following.share = None
            wanted = (False, for_weight, for_bias)
            _, dw, db = geometry.gradients(masked, x, weight, wanted)
            del masked
        if for_input:
            dx, _, _ = geometry.gradients(delta, x, weight, (True, False, False))
        return dx, dw, db, None, None, None


def _contribution(ctx: Any, delta: Tensor, x: Tensor, weight: Tensor) -> Tensor | None:
    if not ctx.following.site.contribution or not delta.numel():
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
    if following.norm is None or not following.alone:
        return masked
    # The kept z is detached, lest it hold the graph that holds it.  A second pass
    # through a retained graph, where it is gone, computes it again, and so does a
    # double backward pass, to differentiate it.
    z = following.z
    if z is None or torch.is_grad_enabled():
        z = ctx.geometry.forward(x, weight, bias)
    inplace = not torch.is_grad_enabled()
    return project_out(masked, z, following.groups, inplace=inplace)


def _look_for_other_readers(following: Following, delta: Tensor) -> None:
    """Note whether the error comes from the normalisation alone.

    Only then has it no part along what the normalisation removes, and only then may
    that part be removed from the masked error.
    """
    norm, share = following.norm, following.share
    if norm is None or share is None:
        return
    with torch.no_grad():
        if not delta.isfinite().all():
            return
        alone = share is delta or share.to(delta.dtype).equal(delta)
        if alone and following.own_way:
            alone = _without_level(delta, following.groups)
    following.alone = alone
    known = following.site.alone
    known[norm] = alone and known.get(norm, True)


def _without_level(delta: Tensor, groups: int | None) -> bool:
    """Whether an error sums to nothing over what is normalised together."""
    d = at_least_float32(delta)
    rows = d.transpose(0, 1) if groups is None else d.reshape(len(d) * groups, -1)
    sums = rows.flatten(1).sum(1).abs().sum()
    return bool(sums <= CLOSE[delta.dtype] * d.abs().sum())
