"""What autograd's own record says about a tensor; it is read, never changed.

Hooks of others, modules in place and a second mask do not alter what the record says,
which names, attributes and the order of registration cannot promise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import torch
from torch import Tensor

__all__ = ["channels_last", "in_backward", "layers_of", "leaves", "node_of", "producer"]

Node = Any

_HOOKED = "BackwardHookFunctionBackward", "RegisterPostBackwardFunctionBackward"
_HANDS_ON = (
    "CloneBackward0", "AliasBackward0", "ToCopyBackward0", "ViewBackward0",
    "UnsafeViewBackward0",
)  # fmt: skip
_CHANNELS_FIRST = ("Convolution", "BatchNorm", "GroupNorm", "Pool", "Upsample")
_FARTHEST = 64
_COMPILED = -1


def layers_of(t: Tensor) -> Iterator[Tensor]:
    """Yield t and what torch.func wrapped in it, from the outside inwards."""
    functorch = torch._C._functorch
    yield t
    while functorch.is_functorch_wrapped_tensor(t):
        t = functorch.get_unwrapped(t)
        yield t


def node_of(t: Tensor) -> Node | None:
    """Return the node that made t, also beneath torch.func's wrappers."""
    if t.grad_fn is not None:
        return t.grad_fn
    nodes = (layer.grad_fn for layer in layers_of(t))
    return next((node for node in nodes if node is not None), None)


def producer(t: Tensor) -> Node | None:
    """Return the node that computed the values of t.

    What only hands a tensor on is passed by: the nodes of backward hooks and of
    ``fully_shard``, copies, and views that leave no trace in the shape, which the
    caller compares.
    """
    node, output = node_of(t), t.output_nr
    while node is not None:
        name = type(node).__name__
        if name in _HOOKED:
            node, output = node.next_functions[output]
        elif name in _HANDS_ON:
            node, output = node.next_functions[0]
        else:
            break
    return node


def leaves(start: Node | None, stop: Callable[[Node], bool]) -> Iterator[Node]:
    """Yield the leaves of the graph behind a node; what is behind a stop is left out.

    The leaves that are near come first.
    """
    seen: set[Node] = set()
    waiting = deque([] if start is None else [start])
    while waiting:
        node = waiting.popleft()
        if node in seen or stop(node):
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            yield node
        waiting += [behind for behind, _ in node.next_functions if behind is not None]


def in_backward() -> bool:
    """Whether a backward pass is running, in which a checkpoint may compute again."""
    return bool(torch._C._current_graph_task_id() != -1)


def channels_last(t: Tensor) -> bool | None:
    """Whether the channels of a map stand last, as far as autograd's record shows.

    They stand last behind a linear layer or a layer normalisation, and where a map of
    a convolution was permuted so.  Where the record ends before any of these, nothing
    is known and the answer is no; None where it ends in compiled code.
    """
    axis = _channel_axis(node_of(t), (0, 1, 2, 3), tuple(t.shape), _FARTHEST)
    return None if axis == _COMPILED else axis not in (None, 1)


def _channel_axis(
    node: Node | None, axes: tuple[int, ...], shape: tuple[int, ...], steps: int
) -> int | None:
    """Which axis of the tensor asked for holds the channels.

    Its axis i is axis axes[i] of what the node made, which has the given shape up to
    slices and broadcasts.
    """
    while node is not None and steps > 0:
        steps -= 1
        name = type(node).__name__
        if hasattr(node, "channels_axis") or any(k in name for k in _CHANNELS_FIRST):
            return axes.index(1)
        if name.startswith("CompiledFunction"):
            return _COMPILED
        if name.startswith(("LinearBackward", "MkldnnLinear")):
            return axes.index(3)
        if name == "NativeLayerNormBackward0":
            return axes.index(3) if len(node._saved_normalized_shape) == 1 else None
        if name == "PermuteBackward0":
            order = [_signed(d) % 4 for d in node._saved_dims]
            if len(order) != 4:
                return None
            axes = tuple(order[axis] for axis in axes)
            shape = tuple(shape[order.index(axis)] for axis in range(4))
        elif name == "TransposeBackward0":
            swap = [_signed(node._saved_dim0) % 4, _signed(node._saved_dim1) % 4]
            order = list(range(4))
            order[swap[0]], order[swap[1]] = swap[1], swap[0]
            axes = tuple(order[axis] for axis in axes)
            shape = tuple(shape[order[axis]] for axis in range(4))
        elif "View" in name:
            before = tuple(node._saved_self_sym_sizes)
            behind = node.next_functions[0][0]
            if len(before) == 2 and type(behind).__name__.startswith(("Addmm", "Mm")):
                return axes.index(3) if before[0] == prod(shape[:3]) else None
            if len(before) != 4 or before[2:] != shape[2:]:
                return None
            shape = before
        elif hasattr(node, "_saved_self_sym_sizes"):  # slices, splits, reductions
            sizes = tuple(node._saved_self_sym_sizes)
            if len(sizes) == 4:
                shape = sizes
        elif name == "AsStridedBackward0" or hasattr(node, "variable"):
            return None
        behind = [n for n, _ in node.next_functions if n is not None]
        for other in behind[:-1]:
            axis = _channel_axis(other, axes, shape, steps // len(behind))
            if axis is not None:
                return axis
        node = behind[-1] if behind else None
    return None


def _signed(dimension: int) -> int:
    return dimension - 2**64 if dimension >= 2**63 else dimension
