"""GradientMask: which mask, on which route, described by an immutable value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Literal, Self, get_args

import torch
from torch import Tensor, nn

from gradmask import fused
from gradmask.functional import error_energy, keep_largest, lateral_mask
from gradmask.functional._fitting import KERNELS, Kernel, fitting
from gradmask.functional._numerics import kept
from gradmask.functional._values import integer, real
from gradmask.masking import Handle, Layers, SignalRoute, WeightsRoute, attach

__all__ = ["GradientMask"]

Route = Literal["signal", "weights"]
Energy = Literal["error", "contribution"]
Select = Literal["lateral", "random", "top-k", "all"]


@dataclass(frozen=True, repr=False)
class GradientMask:
    """Lateral inhibition of error signals during training.

    An immutable description; :meth:`attach` puts it to work on a network.  The forward
    pass is untouched, and nothing is masked in evaluation mode.

    Parameters
    ----------
    sigma : float or sequence of float
        Scale of the kernel in pixels of the feature map, or, with ``relative``, as a
        share of the map's width.  With several, a position is kept if any scale
        keeps it.
    threshold : float, default 0.0
        In units of the response's standard deviation over a sample's positions.
    size : int, optional
        Side of the kernel, odd.  Default: from sigma; with ``relative``, at most the
        map's smaller side.
    route : {"signal", "weights"}, default "signal"
        "signal": the masked error flows on to the layers below.  "weights": only a
        convolution's own weight and bias gradients are masked, and the plain error
        flows on.
    energy : {"error", "contribution"}, default "error"
        What competes: the norm of the error, or (weights route only) the norm of what
        a position contributes to the weight gradient.
    relative : bool, default False
        Whether sigma is a share of the map's width.
    project : bool, default True
        On the weights route, whether the masked error of a convolution is projected
        onto what the normalisation behind it lets through
        (:func:`gradmask.functional.project_out`): BatchNorm2d, SyncBatchNorm,
        GroupNorm or InstanceNorm2d, wherever it normalises by the batch's own
        statistics.  See the notes.
    select : {"lateral", "random", "top-k", "all"}, default "lateral"
        "lateral": lateral inhibition.  Controls: "random" and "top-k" keep as many
        positions of every sample, at random or those of largest energy; "all" keeps
        everything.
    kernel : {"log", "dog", "unbalanced"}, default "log"
        Laplacian of Gaussian, difference of Gaussians, or the unbalanced control.
    seed : int, default 0
        Of the random control.

    Raises
    ------
    ValueError
        If a value is none of those above, or contradicts another: on the signal route
        nothing is projected and contributions do not compete.
    TypeError
        If a value is of another type.

    Notes
    -----
    Maps smaller than the kernel and tensors that are not (B, C, H, W) pass through
    unmasked.  Non-finite errors stay non-finite.

    The projection finds a convolution's normalisation in autograd's record.  It acts
    where a normalisation module reads the convolution's output as it is, and alone,
    which the first backward pass shows; the handle names the normalisation, or says
    why there is none.  It does nothing where a function normalises, or where the edge
    of a reentrant checkpoint lies between the two.  For a SyncBatchNorm each process
    projects by its own share of the batch: its weight gradient is orthogonal to the
    weight, and so is their mean, but it differs a little from the one that a single
    process would compute.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten())
    >>> with GradientMask(sigma=1.0).attach(model) as handle:
    ...     model(torch.randn(2, 1, 9, 9)).square().sum().backward()
    >>> handle.sites
    ('1',)
    """

    sigma: float | Sequence[float] = 1.0
    threshold: float = 0.0
    size: int | None = None
    route: Route = "signal"
    energy: Energy = "error"
    relative: bool = False
    project: bool = True
    select: Select = "lateral"
    kernel: Kernel = "log"
    seed: int = 0

    def __post_init__(self) -> None:
        given: Any = self.sigma
        several = isinstance(given, Sequence) and not isinstance(given, str | bytes)
        sigmas = given if several else (given,)
        size = None if self.size is None else integer("size", self.size)
        plain = {
            "sigma": tuple(real("sigma", sigma) for sigma in sigmas),
            "threshold": real("threshold", self.threshold),
            "size": size,
            "seed": integer("seed", self.seed),
        }
        for field, value in plain.items():
            object.__setattr__(self, field, value)
        self._check_choices()
        if not self.sigmas:
            raise ValueError("sigma must hold at least one scale")
        if not math.isfinite(self.threshold):
            raise ValueError(f"threshold must be finite, got {self.threshold}")
        for sigma in self.sigmas:
            KERNELS[self.kernel](sigma, size=self.size)

    def _check_choices(self) -> None:
        choices = {"route": Route, "energy": Energy, "select": Select, "kernel": Kernel}
        for field, allowed in choices.items():
            value = getattr(self, field)
            if not isinstance(value, str) or value not in get_args(allowed):
                raise ValueError(
                    f"{field} must be one of {get_args(allowed)}, got {value!r}"
                )
        for field in ("relative", "project"):
            if not isinstance(value := getattr(self, field), bool):
                raise TypeError(f"{field} must be True or False, got {value!r}")
        if self.route != "weights":
            if self.energy == "contribution":
                raise ValueError('energy="contribution" needs route="weights"')
            if not self.project:
                raise ValueError('project=False needs route="weights"')

    def __repr__(self) -> str:
        changed = (
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if field.name == "sigma" or getattr(self, field.name) != field.default
        )
        return f"{type(self).__name__}({', '.join(changed)})"

    @classmethod
    def from_theory(cls) -> Self:
        """Mask that theory chooses, before any accuracy has been looked at.

        For any network, without labels; attach it to every convolution, the default.

        - Route "weights", projected: what the analysis describes, layer by layer.
        - Energy "contribution": in deep layers the error alone does not show where the
          object is, before training nowhere.
        - Sigma a quarter of the map's width: about the radius of an object that covers
          a fifth of the map.  From an eighth to a half the gain is nearly the same.
        - Threshold zero: a stricter mask raises the signal-to-noise ratio further, but
          its mean gradient points elsewhere, which costs as much again or more.

        Returns
        -------
        GradientMask
            ``GradientMask(0.25, relative=True, route="weights",
            energy="contribution")``.

        Notes
        -----
        Measured on plainly trained small networks in cluttered scenes (``python -m
        gradmask.lab run layer_gain``): two energies, four scales and two thresholds,
        by how well gradients in batches of 64 agree with the true one.  Several
        settings tie for the best, at a gain of a tenth whose interval begins at one;
        the object's radius chooses between them.  Once training has begun this one
        raises the signal-to-noise ratio at every size of map, by a quarter in all;
        before, it lowers it.

        Examples
        --------
        >>> GradientMask.from_theory().energy
        'contribution'
        """
        return cls(0.25, relative=True, route="weights", energy="contribution")

    @property
    def _bounds(self) -> tuple[float, float] | None:
        """Between which strengths every convolution is steered, if so."""
        return None

    @property
    def sigmas(self) -> tuple[float, ...]:
        """The scales, always as a tuple."""
        assert isinstance(self.sigma, tuple)
        return self.sigma

    def kernels(
        self,
        height: int,
        width: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> list[Tensor]:
        """Kernels for a map of height by width positions, those that fit in it.

        Returns
        -------
        list of Tensor
            Each of shape (k, k) with k at most the smaller side; empty if none fits.
        """
        return list(_kernels_for(self, height, width, dtype, device))

    def reaches(self, height: int, width: int) -> bool:
        """Whether maps of height by width positions are masked at all."""
        return self.select != "all" and bool(self.scales(height, width))

    def scales(self, height: int, width: int) -> list[tuple[float, int]]:
        """Sigma in pixels, and side, of the kernels that fit in such a map."""
        shape = height, width
        return fitting(self.kernel, self.sigmas, self.size, self.relative, *shape)

    def mask(
        self,
        delta: Tensor,
        *,
        energy: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor | None:
        """Mask that this configuration gives an error signal.

        Parameters
        ----------
        delta : Tensor
            Error signal of shape (B, C, H, W).
        energy : Tensor, optional
            What competes, of shape (B, 1, H, W).  Default: the error energy.
        generator : torch.Generator, optional
            Of the random control.  Default: PyTorch's own.

        Returns
        -------
        Tensor or None
            Bool mask of shape (B, 1, H, W), or None where nothing is to be masked:
            delta is not a map, or smaller than every kernel.
        """
        if delta.dim() != 4 or not self.reaches(*delta.shape[-2:]):
            return None
        if fused.serves(delta):
            kernels = self._kernels(delta, torch.float32)
            mask = fused.lateral(delta, kernels, self.threshold, energy, product=False)
        else:
            energy = error_energy(delta) if energy is None else energy
            kernels = self._kernels(energy, energy.dtype)
            mask = lateral_mask(energy, kernels, self.threshold)
        if self.select == "top-k":
            return keep_largest(error_energy(delta) if energy is None else energy, mask)
        if self.select == "random":
            noise = torch.rand(mask.shape, generator=generator, device=mask.device)
            return keep_largest(noise, mask)
        return mask

    def masked(
        self,
        delta: Tensor,
        *,
        energy: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Error signal where the mask keeps it, and zero elsewhere.

        Parameters
        ----------
        delta, energy, generator
            As in :meth:`mask`.

        Returns
        -------
        Tensor
            The product ``mask * delta``, or delta itself where nothing is to be masked.
        """
        ours = type(self).mask is GradientMask.mask and self.select == "lateral"
        at_once = ours and fused.serves(delta) and not torch.is_grad_enabled()
        if at_once and delta.dim() == 4 and self.reaches(*delta.shape[-2:]):
            kernels = self._kernels(delta, torch.float32)
            return fused.lateral(delta, kernels, self.threshold, energy, product=True)
        with torch.no_grad():
            mask = self.mask(delta, energy=energy, generator=generator)
        return delta if mask is None else delta * mask.to(delta.dtype)

    def _kernels(self, like: Tensor, dtype: torch.dtype) -> tuple[Tensor, ...]:
        return _kernels_for(self, *like.shape[-2:], dtype, like.device)

    def attach(
        self,
        model: nn.Module,
        layers: Layers | None = None,
        *,
        allow_input_grad: bool = False,
    ) -> Handle:
        """Mask the backward pass of a network, until the handle is removed.

        Masking follows each attached module's own ``training`` flag.  Deep copies and
        pickles of the network made meanwhile are not masked.

        Networks compiled with ``torch.compile`` are traced anew after attaching and
        after removing.  On the weights route make a pass, forward and backward, before
        compiling: it shows what normalises each convolution, and without it the graph
        breaks at every one.  On the signal route it breaks only where the control draws
        random numbers or, before PyTorch 2.14, at activations in place.  What a
        compiled forward pass has begun, its backward pass completes: pause both, or
        neither.

        On CUDA devices kernels in Triton compute the mask, in one to three launches, if
        Triton is installed and the errors are not in float64; formulas do elsewhere,
        and in compiled code.  The handle says which.  A step can be captured as a CUDA
        graph once a few have been made; see ``Handle.generators`` for the random
        control.

        Parameters
        ----------
        model : nn.Module
            The network.
        layers : type, tuple of types, str, sequence of str, or callable, optional
            Which of its modules: by type, by name, or by a predicate
            ``(name, module) -> bool``.  Default: on the signal route the usual
            activations (ReLU, SiLU, GELU ...), on the weights route every Conv2d.  An
            activation masks the error at its input, any other module at its output.
            What matches by type or predicate but cannot be masked is skipped, and the
            handle says why.
        allow_input_grad : bool, default False
            On the signal route the gradient that reaches the network's input is
            masked, too, and must not be taken for the true one.  By default a
            training-mode forward pass whose input requires grad therefore raises,
            whatever holds the input and wherever the pass enters; so does any other
            tensor that requires grad and is no parameter of `model`.  A backward pass
            that asks for the gradient by a feature map alone raises, too.  Of compiled
            code only what the input holds openly is seen.

        Returns
        -------
        Handle
            A context manager, also with ``paused()`` and ``remove()``.

        Raises
        ------
        ValueError
            If no module matches, a named one does not exist or cannot be masked, one
            has a mask attached already, or no convolution of the network has maps of
            shape (B, C, H, W).
        TypeError
            If layers is anything else, a module for example, or the network is a
            scripted one; later, by a forward pass in which a module hands on no tensor
            or is given its input by keyword.
        RuntimeError
            Later: by a pass whose input requires grad (see allow_input_grad), by a
            network whose modules were exchanged after attaching, or in which a pass
            found nothing to mask, by a convolution whose output is not that of its
            input and its weight, and by compiled code in which nothing shows where
            channels stand.
        """
        route = (
            WeightsRoute(self.energy == "contribution", self.project, self._bounds)
            if self.route == "weights"
            else SignalRoute(allow_input_grad)
        )
        seed = self.seed if self.select == "random" else None
        return attach(model, layers, route, self, seed=seed, title=repr(self))


@kept
def _kernels_for(
    mask: GradientMask,
    height: int,
    width: int,
    dtype: torch.dtype,
    device: torch.device | str,
) -> tuple[Tensor, ...]:
    make = partial(KERNELS[mask.kernel], dtype=dtype, device=device)
    return tuple(make(sigma, size=side) for sigma, side in mask.scales(height, width))
