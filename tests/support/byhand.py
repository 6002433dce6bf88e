"""Masked gradients of whole networks by plain autograd and hooks; in float64.

Nothing here is taken from the library: the masks come from the oracle's formulas.
"""

import copy
from collections import Counter

import torch
import torch.nn.functional as F
from torch import nn

from support import oracle
from support.networks import loss

NORMS = (nn.BatchNorm2d, nn.SyncBatchNorm, nn.GroupNorm, nn.InstanceNorm2d)


def oracle_mask(delta, sigma=1.0, size=5):
    """Mask of shape (B, 1, H, W); a map smaller than the kernel is kept whole."""
    if delta.dim() != 4 or min(delta.shape[-2:]) < size:
        return torch.ones((), dtype=delta.dtype)
    kernel = oracle.log_kernel(sigma, size)
    return torch.from_numpy(oracle.mask(oracle.energy(delta.numpy()), [kernel]))


class Masked(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, sigma, size):
        ctx.of = sigma, size
        return x.clone()

    @staticmethod
    def backward(ctx, delta):
        return delta * oracle_mask(delta, *ctx.of).to(delta), None, None


def outplace(model):
    """Copy of a network without modules in place."""
    model = copy.deepcopy(model)
    for module in model.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    return model


def gradients(inhibition, model, names, x):
    """Gradients by parameter name, masked at these modules by a mask of one scale."""
    by_hand = signal if inhibition.route == "signal" else weights
    (sigma,) = inhibition.sigmas
    return by_hand(model, names, x, sigma=sigma, size=inhibition.size)


def signal(model, names, x, call=None, sigma=1.0, size=5):
    """Gradients by parameter name, with errors masked at the inputs of activations.

    At a normalisation, which may stand in for one, the error at its output is masked.
    """
    model = outplace(model)

    def before(module, args):
        return (Masked.apply(args[0], sigma, size), *args[1:])

    def after(module, args, output):
        return Masked.apply(output, sigma, size)

    for name in names:
        module = model.get_submodule(name)
        if isinstance(module, NORMS):
            module.register_forward_hook(after)
        else:
            module.register_forward_pre_hook(before)
    loss(output_of(model(x) if call is None else call(model, x))).backward()
    return {n: p.grad for n, p in model.named_parameters()}


def weights(model, names, x, projected=None, sigma=1.0, size=5):
    """Gradients by parameter name, masked where convolutions' weights see the error.

    ``projected`` names the convolutions whose masked error is projected, and maps each
    to its groups (None: by batch); by default those whose output a normalisation alone
    reads.
    """
    model = outplace(model)
    runs, groups = {name: [] for name in names}, {}

    def after(name):
        def hook(module, args, output):
            handed_on = output.clone()  # which may be modified in place
            runs[name].append((args[0].detach(), output, handed_on))
            return handed_on

        return hook

    def before(module, args, kwargs):
        given = args[0] if args else kwargs["input"]
        own = module.training or getattr(module, "running_mean", None) is None
        for name, passes in runs.items():
            if own and any(z is given and not z._version for *_, z in passes):
                groups[name] = getattr(module, "num_groups", None)
                if isinstance(module, nn.InstanceNorm2d):
                    groups[name] = given.shape[1]

    for name in names:
        model.get_submodule(name).register_forward_hook(after(name))
    for module in model.modules():
        if isinstance(module, NORMS):
            module.register_forward_pre_hook(before, with_kwargs=True)
    value = loss(output_of(model(x)))
    readers = count_readers(value)
    outputs = [z for name in names for _, z, _ in runs[name]]
    deltas = iter(torch.autograd.grad(value, outputs, retain_graph=True))
    value.backward()
    for name in names:
        conv = model.get_submodule(name)
        total = [torch.zeros_like(p) for p in conv.parameters()]
        for a, z, handed_on in runs[name]:
            delta = next(deltas)
            mask = oracle_mask(delta, sigma, size)
            delta = delta * mask
            kept = groups if projected is None else projected
            alone = projected is not None or readers[handed_on.grad_fn] == 1
            if name in kept and alone and mask.dim():
                delta = oracle.projected(delta.numpy(), z.detach().numpy(), kept[name])
                delta = torch.from_numpy(delta)
            parts = torch.autograd.grad(plain(conv, a), list(conv.parameters()), delta)
            total = [t + part for t, part in zip(total, parts, strict=True)]
        for parameter, g in zip(conv.parameters(), total, strict=True):
            parameter.grad = g
    return {n: p.grad for n, p in model.named_parameters()}


def count_readers(value):
    """How many nodes of a value's graph read what each node made."""
    readers, waiting = Counter(), [value.grad_fn]
    seen = {value.grad_fn}
    while waiting:
        for node, _ in waiting.pop().next_functions:
            if node is not None:
                readers[node] += 1
                if node not in seen:
                    seen.add(node)
                    waiting.append(node)
    return readers


def plain(conv, a):
    """A convolution, its padding by a function of its own."""
    if conv.padding_mode == "zeros":
        return F.conv2d(
            a, conv.weight, conv.bias, conv.stride, conv.padding, conv.dilation,
            conv.groups,
        )  # fmt: skip
    a = F.pad(a, conv._reversed_padding_repeated_twice, conv.padding_mode)
    return F.conv2d(
        a, conv.weight, conv.bias, conv.stride, 0, conv.dilation, conv.groups
    )


def output_of(output):
    """The tensor of an output that may hold several, by their sum."""
    if isinstance(output, torch.Tensor):
        return output
    values = output.values() if isinstance(output, dict) else output
    parts = [output_of(v).flatten(1) for v in values if v is not None]
    return torch.cat(parts, 1)


def off(model, expected):
    """Largest relative distance of a network's gradients from the expected ones."""
    # A gradient that is zero but for rounding is measured by the largest there is.
    largest = max(g.norm().item() for g in expected.values() if g is not None)
    distances = [0.0]
    for name, p in model.named_parameters():
        g = expected[name]
        assert (p.grad is None) == (g is None), name
        if g is not None:
            scale = max(g.norm().item(), 1e-4 * largest)
            distances.append((p.grad - g).norm().item() / scale)
    return max(distances)
