"""The weights route: a convolution's own weights see the masked error.

The plain error flows on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import _global_forward_hooks
from torch.utils.hooks import RemovableHandle

from gradmask import fused
from gradmask.functional import contribution_energy
from gradmask.masking.convolution import Geometry, verify
from gradmask.masking.layers import (
    NORMALISATIONS,
    computes_otherwise,
    unfit_for_weights,
)
from gradmask.masking.normalisation import Following, NormalisationHook, Readers
from gradmask.masking.site import AGAIN, Site, Switch, hook_first
from gradmask.masking.steering import Steering
from gradmask.masking.weights_node import mask_compiled_weights, mask_weights

__all__ = ["WeightsRoute"]


@dataclass(frozen=True)
class WeightsRoute:
    """Where the weights route acts, which energy competes, and what becomes of it.

    Attributes
    ----------
    contribution : bool
        Whether contributions to the weight gradient compete, and not errors.
    project : bool
        Whether the masked error is projected.
    bounds : pair of float or None
        Between which strengths each convolution is steered, if so.
    """

    contribution: bool = False
    project: bool = True
    bounds: tuple[float, float] | None = None
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
            site = WeightsSite(switch, name, conv, self)
            hooks.append(hook_first(conv, site))
            sites.append(site)
        if self.project:
            hooks += [
                module.register_forward_pre_hook(
                    NormalisationHook(switch, name, module), with_kwargs=True
                )
                for name, module in model.named_modules()
                if isinstance(module, NORMALISATIONS)
            ]
        return list(sites), hooks


class WeightsSite(Site):
    """Masks the error that a convolution's weights see.

    Attributes
    ----------
    readers : Readers
        Normalisations of this convolution's output.
    steering : Steering or None
        What finds the strength of the mask here, if something does.
    """

    module: nn.Conv2d

    def __init__(
        self,
        switch: Switch,
        name: str,
        module: nn.Conv2d,
        route: WeightsRoute,
    ) -> None:
        super().__init__(switch, name, module)
        self.contribution = route.contribution
        self.project = route.project
        self.steering = None if route.bounds is None else Steering(route.bounds)
        self.readers = Readers()
        self._type = type(module)
        self._verified: tuple[Any, ...] | None = None

    @property
    def strength(self) -> float | None:
        if self.steering is None:
            return None
        found = self.steering.strength
        return 0.0 if found is None else found.item()

    def settle(self) -> bool:
        return self.steering is not None and self.steering.settle()

    @property
    def remark(self) -> str:
        if self._nothing_yet or not (self.project and self.fits):
            return super().remark
        found = self.readers.found.items()
        by = [name for name, reader in found if reader.alone == {True}]
        crowded = [name for name, reader in found if False in reader.alone]
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

    def __call__(self, module: nn.Conv2d, args: tuple[Any, ...], output: Any) -> Any:
        if not self.on():
            return None
        self.expect(module)
        if not torch.compiler.is_compiling():
            return self._look(module, args, output)
        if not (self.is_map(output) and self.reaches(output)):
            return None
        if self.project and not self.readers.settled:
            return self._look_aside(module, args, output)
        reader = self.readers.projecting() if self.project else None
        return mask_compiled_weights(module, self.input(args), output, self, reader)

    def _look(self, module: nn.Conv2d, args: tuple[Any, ...], output: Any) -> Any:
        if self.look is not None:
            self.look()
        self._refuse_otherwise(module)
        if not (self.is_map(output) and self.reaches(output)):
            return None
        x = self.input(args)
        if self._verified != (known := _surroundings(self, module)):
            self._verified = known if verify(self.called, module, x, output) else None
        self.fits = True
        return mask_weights(module, x, output, Following(self, output))

    # What is not settled needs autograd's record, which compiled code does not keep.
    _look_aside = torch.compiler.disable(_look)

    def masked_for(
        self, delta: Tensor, x: Tensor, weight: Tensor, geometry: Geometry
    ) -> Tensor:
        """Return the error that competes at this convolution, masked."""
        energy = None
        if self.contribution and delta.numel():
            with torch.no_grad():
                energy = _contribution(delta, x, weight, geometry)
        return self.masked(delta, energy)

    def _refuse_otherwise(self, module: nn.Conv2d) -> None:
        why = computes_otherwise(module)
        if why is None and type(module) is not self._type:
            why = unfit_for_weights({self.name: module}, self.name)
            self._type = type(module)
        if why:
            raise RuntimeError(f"{self.called} cannot be masked: {why}; {AGAIN}")


def _contribution(
    delta: Tensor, x: Tensor, weight: Tensor, geometry: Geometry
) -> Tensor:
    window = weight.shape[-2:]
    moves = {
        "stride": geometry.stride,
        "padding": geometry.padding,
        "dilation": geometry.dilation,
    }
    if geometry.groups == 1 and fused.serves(delta):
        return fused.contribution_energy(delta, x, window, **moves)
    return contribution_energy(delta, x, window, groups=geometry.groups, **moves)


def _surroundings(site: WeightsSite, conv: nn.Conv2d) -> tuple[Any, ...]:
    """What could change a convolution's output before the site sees it."""
    hooks = list(conv._forward_hooks.values())
    before = [*_global_forward_hooks.values(), *hooks[: hooks.index(site)]]
    return type(conv), *before
