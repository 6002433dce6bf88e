"""QualityMonitor: the two criteria of gradient quality, followed during training."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from gradmask.gradient_mask import GradientMask
from gradmask.masking import Layers, choose, paused, recorded, types_in
from gradmask.quality.gradient import GradientQuality, gradient_quality
from gradmask.quality.lateral import lateral_quality
from gradmask.quality.per_sample import LossFunction, per_sample_gradients, undisturbed

__all__ = ["QualityMonitor"]

Row = dict[str, int | float | str]

NETWORK = "(network)"


class QualityMonitor:
    """Follow gradient quality through training.

    Call it with every batch; at each `every`-th call it measures, and between it only
    counts.  It makes passes of its own and leaves nothing on the network meanwhile.

    What it measures are the network's plain gradients: masks that are attached are
    paused meanwhile, so that a masked and a plain run are compared in the same terms
    (for masked gradients call :func:`per_sample_gradients` while the mask is active).
    Batch normalisations alone are put in evaluation mode, because with batch
    statistics no sample has a gradient of its own; dropout stays on.  Afterwards
    modes, running statistics, ``grad`` fields, and the random state of the CPU and
    the batch's device are as before.  Autocast is off while it measures.

    Parameters
    ----------
    model : nn.Module
        The network (inside DistributedDataParallel: its ``module``).
    loss_fn : callable
        ``loss_fn(output, target)``, a scalar for any batch and for a batch of one.
    every : int, default 100
        Interval between measurements, in calls; the first call measures.
    layers : type, tuple of types, str, sequence of str, or callable, optional
        As in :meth:`gradmask.GradientMask.attach`.  Default: every Conv2d.
    inhibition : GradientMask, optional
        Whose kernels and threshold lateral quality uses.  Default: ``GradientMask()``.
    samples : int, default 32
        The first samples of a batch are measured, at most so many.
    chunk_size, max_bytes : int
        As in :func:`per_sample_gradients`.

    Attributes
    ----------
    rows : list of dict
        Everything measured so far, a row for each layer and one for the network:

        - "step": number of the call, from 0, and "layer": the module's name, or
          "(network)" for all parameters together;
        - "samples": number of samples;
        - "q", "q_stderr": :func:`gradient_quality` of the parameters of the module,
          nan if it has none that requires grad;
        - "lgq", "lgq_stderr": mean and standard error over samples of
          :func:`lateral_quality` of the error at the input of an activation or the
          output of any other module, nan if that is no map, is smaller than the
          kernel, or is zero.
    step : int
        Number of the next call.

    Raises
    ------
    ValueError
        If no module matches layers, or every or samples is too small; and when it
        measures, as :func:`per_sample_gradients`.

    Notes
    -----
    A measurement costs a forward and a backward pass for lateral quality, and
    per-sample gradients, about two such passes of as many samples.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(1))
    >>> monitor = QualityMonitor(model, nn.CrossEntropyLoss(), every=2)
    >>> for _ in range(3):
    ...     x, y = torch.randn(8, 1, 9, 9), torch.arange(8)
    ...     rows = monitor(x, y)
    >>> [(row["step"], row["layer"]) for row in monitor.rows]
    [(0, '(network)'), (0, '0'), (2, '(network)'), (2, '0')]
    """

    def __init__(
        self,
        model: nn.Module,
        loss_fn: LossFunction,
        *,
        every: int = 100,
        layers: Layers | None = None,
        inhibition: GradientMask | None = None,
        samples: int = 32,
        chunk_size: int = 32,
        max_bytes: int = 2**30,
    ) -> None:
        if every < 1:
            raise ValueError(f"every must be at least 1, got {every}")
        if samples < 2:
            raise ValueError(f"samples must be at least 2, got {samples}")
        modules = dict(model.named_modules())
        names, _ = choose(modules, nn.Conv2d if layers is None else layers)
        if not names:
            raise ValueError(
                f"nothing to follow: no module matches layers={layers!r}. The model "
                f"has modules of the types {types_in(modules)}"
            )
        self.model = model
        self.loss_fn = loss_fn
        self.every = every
        self.layers = {name: modules[name] for name in names}
        self.inhibition = inhibition or GradientMask()
        self.samples = samples
        self.chunk_size = chunk_size
        self.max_bytes = max_bytes
        self.step = 0
        self.rows: list[Row] = []

    def __call__(self, x: Tensor, y: Tensor) -> list[Row]:
        """Count a batch, and measure it if it is due.

        Parameters
        ----------
        x, y : Tensor
            Inputs and targets of B samples.

        Returns
        -------
        list of dict
            The new rows, also appended to ``rows``; empty between measurements.
        """
        due = self.step % self.every == 0
        rows = self.measure(x, y) if due else []
        self.rows += rows
        self.step += 1
        return rows

    def measure(self, x: Tensor, y: Tensor) -> list[Row]:
        """Measure a batch now; neither counts nor records it.

        Parameters
        ----------
        x, y : Tensor
            Inputs and targets of B samples.

        Returns
        -------
        list of dict
            One row for the network and one for each layer.
        """
        x, y = x[: self.samples].detach(), y[: self.samples]
        with undisturbed(x.device), _plain_and_frozen(self.model):
            grads = per_sample_gradients(
                self.model,
                self.loss_fn,
                x,
                y,
                chunk_size=self.chunk_size,
                max_bytes=self.max_bytes,
            )
            errors = self._errors(x, y)
            return [self._row(NETWORK, len(x), grads, [])] + [
                self._row(name, len(x), self._own(grads, module), errors[name])
                for name, module in self.layers.items()
            ]

    def _errors(self, x: Tensor, y: Tensor) -> Mapping[str, list[Tensor]]:
        """Error signals of the layers, one for each time that a layer ran."""
        errors: defaultdict[str, list[Tensor]] = defaultdict(list)
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        with torch.enable_grad():
            with recorded(self.layers, lambda name, delta: errors[name].append(delta)):
                loss = self.loss_fn(self.model(x), y)
            torch.autograd.grad(loss, parameters, allow_unused=True)
        return errors

    def _own(self, grads: dict[str, Tensor], module: nn.Module) -> dict[str, Tensor]:
        own = {id(p) for p in module.parameters()}
        named = self.model.named_parameters()
        return {
            name: grads[name] for name, p in named if name in grads and id(p) in own
        }

    def _row(
        self, layer: str, samples: int, grads: dict[str, Tensor], errors: list[Tensor]
    ) -> Row:
        q = GradientQuality(math.nan, math.nan, samples)
        if grads and samples > 1:
            q = gradient_quality(grads)
        lgq, lgq_stderr = _mean_and_stderr([self._lateral(delta) for delta in errors])
        return {
            "step": self.step,
            "layer": layer,
            "samples": samples,
            "q": q.value,
            "q_stderr": q.stderr,
            "lgq": lgq,
            "lgq_stderr": lgq_stderr,
        }

    def _lateral(self, delta: Tensor) -> Tensor:
        if delta.dim() == 4:
            kernels = self.inhibition.kernels(*delta.shape[-2:], device=delta.device)
            if kernels:
                return lateral_quality(delta, kernels, self.inhibition.threshold)
        return delta.new_full((len(delta),), math.nan)


@contextmanager
def _plain_and_frozen(model: nn.Module) -> Iterator[None]:
    """Pause the masks attached to a network and freeze its batch normalisations."""
    frozen = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.training]
    with paused(model):
        try:
            for module in frozen:
                module.training = False
            yield
        finally:
            for module in frozen:
                module.training = True


def _mean_and_stderr(values: list[Tensor]) -> tuple[float, float]:
    if not values:
        return math.nan, math.nan
    per_sample = torch.stack(values).cpu().double().nanmean(0)
    per_sample = per_sample[~per_sample.isnan()]
    count = len(per_sample)
    stderr = per_sample.std().item() / math.sqrt(count) if count > 1 else math.nan
    return per_sample.mean().item(), stderr
