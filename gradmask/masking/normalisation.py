"""What normalises a convolution's output, and whether nobody else reads it.

The normalisation of a pass is found in autograd's record, and whether it is the only
reader in the first backward passes.  What these have shown is not asked again, and
holds for compiled code, which keeps no record.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from gradmask.functional._numerics import at_least_float32
from gradmask.masking.convolution import CLOSE, numbers_are_there
from gradmask.masking.graph import producer
from gradmask.masking.layers import NORMALISATIONS
from gradmask.masking.signal_node import mask_signal
from gradmask.masking.site import Hook, Switch

__all__ = ["Following", "NormalisationHook", "Reader", "Readers"]


@dataclass
class Reader:
    """A normalisation that takes a convolution's output as it is.

    Attributes
    ----------
    module : nn.Module
        The normalisation.
    groups : int or None
        As in :func:`gradmask.functional.project_out`.
    alone : set of bool
        Whether it was the only reader of the output, as passes have shown.
    """

    module: nn.Module
    groups: int | None
    alone: set[bool] = field(default_factory=set)

    @property
    def known(self) -> bool:
        """Whether passes have shown one and the same thing."""
        return len(self.alone) == 1


class Readers:
    """Who reads a convolution's output, as far as passes have shown it.

    Attributes
    ----------
    found : dict of str to Reader
        Normalisations by name.
    none : bool
        Whether there was a pass without any.
    """

    def __init__(self) -> None:
        self.found: dict[str, Reader] = {}
        self.none = False

    @property
    def settled(self) -> bool:
        """Whether all passes agree, and the next one need not be looked at."""
        if self.none:
            return not self.found
        return len(self.found) == 1 and all(
            reader.known or not normalises(reader.module)
            for reader in self.found.values()
        )

    def projecting(self) -> Reader | None:
        """Reader by which the masked error is projected, once all is settled."""
        for reader in self.found.values():
            if True in reader.alone and normalises(reader.module):
                return reader
        return None


def normalises(module: nn.Module) -> bool:
    """Whether a normalisation uses the batch's own statistics now."""
    return module.training or getattr(module, "running_mean", None) is None


class Read(Protocol):
    """What is needed of a convolution's site here."""

    switch: Switch
    project: bool
    readers: Readers


class Following:
    """What follows a convolution's output in one pass.

    The convolution's node holds it, and the normalisation finds it there: by the graph
    behind its input, whatever hooks, names or modules in place lie between.

    Attributes
    ----------
    reader : Reader or None
        The normalisation.
    projects : bool
        Whether the masked error is to be projected by it.
    z : Tensor or None
        Convolution's output, until the backward pass.
    share : Tensor or None
        Error that comes from the normalisation, as long as it is not known to be all.
    """

    def __init__(self, site: Read, output: Tensor) -> None:
        self.site = site
        self.shape = output.shape
        self.version = output._version
        self.reader: Reader | None = None
        self.projects = False
        self.z: Tensor | None = None
        self.share: Tensor | None = None

    def keep(self, share: Tensor) -> Tensor:
        """Remember the normalisation's share of the error, and hand it on."""
        self.share = share
        return share

    def let_go(self) -> None:
        """Let go of tensors, as autograd lets go of what it saves."""
        self.z = self.share = None

    def arrive(self, delta: Tensor) -> None:
        """Learn from the error that arrives at the output who else reads it.

        Only if it comes from the normalisation alone it has no part along what that
        removes, and only then may that part be removed from the masked error.
        """
        if self.share is None and self.site.readers.settled:
            return
        if self.reader is not None and self.share is not None:
            with torch.no_grad():
                if not delta.isfinite().all():
                    return
                self.projects = self._is_all(delta)
            self.reader.alone.add(self.projects)
        self.site.readers.none |= self.reader is None

    def _is_all(self, delta: Tensor) -> bool:
        share, reader = self.share, self.reader
        assert share is not None
        assert reader is not None
        if share is not delta and not share.to(delta.dtype).equal(delta):
            return False
        kind = type(reader.module)
        own_way = kind not in NORMALISATIONS or "forward" in reader.module.__dict__
        return not own_way or _without_level(delta, reader.groups)


def _without_level(delta: Tensor, groups: int | None) -> bool:
    """Whether an error sums to nothing over what is normalised together."""
    d = at_least_float32(delta)
    rows = d.transpose(0, 1) if groups is None else d.reshape(len(d) * groups, -1)
    sums = rows.flatten(1).sum(1).abs().sum()
    return bool(sums <= CLOSE[delta.dtype] * d.abs().sum())


class NormalisationHook(Hook):
    """Informs the convolution, whose output arrives here, how it is normalised.

    Attributes
    ----------
    reads : list of Readers or None
        Of the convolutions whose output arrived here; None before the first pass.
    """

    def __init__(self, switch: Switch, name: str, module: nn.Module) -> None:
        self.switch = switch
        self.name = name
        self.module = module
        self.reads: list[Readers] | None = None

    def __call__(  # noqa: D102
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if not torch.compiler.is_compiling():
            return self._look(module, args, kwargs)
        if self.reads is not None and all(reads.settled for reads in self.reads):
            return None
        return self._look_aside(module, args, kwargs)

    def _look(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        z = args[0] if args else kwargs.get("input")
        self.reads = self.reads or []
        if not isinstance(z, Tensor):
            return None
        following = getattr(producer(z), "following", None)
        if following is None or not self._takes(following, z):
            return None
        readers, reader = following.site.readers, self._reader(following, z)
        if readers not in self.reads:
            self.reads.append(readers)
        following.reader = reader
        if not normalises(module):
            return None
        following.z = z.detach()
        following.projects = False not in reader.alone
        if reader.known or not numbers_are_there(z):
            return None
        z = mask_signal(z, following.keep)
        return ((z, *args[1:]), kwargs) if args else (args, {**kwargs, "input": z})

    # In compiled code the convolution may be one of another piece of it.
    _look_aside = torch.compiler.disable(_look)

    def _takes(self, following: Following, z: Tensor) -> bool:
        site = following.site
        return (
            site.switch is self.switch
            and site.project
            and z.shape == following.shape
            and z._version == following.version
        )

    def _reader(self, following: Following, z: Tensor) -> Reader:
        found = following.site.readers.found
        if self.name not in found:
            groups = getattr(self.module, "num_groups", None)
            if isinstance(self.module, nn.InstanceNorm2d):
                groups = z.shape[1]
            found[self.name] = Reader(self.module, groups)
        return found[self.name]
