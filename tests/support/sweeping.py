"""One masked step of a network of any family."""

import copy

from support import byhand
from support.networks import hooks, identical, loss


def one_step(inhibition, model, x, layers=None):
    """The handle of a step whose gradients are the oracle's, and that left nothing."""
    plain, unmasked = copy.deepcopy(model), copy.deepcopy(model)
    output = byhand.output_of(plain(x))
    loss(output).backward()
    with inhibition.attach(model, layers) as handle:
        measured = byhand.output_of(model(x))
        loss(measured).backward()
    assert measured.equal(output)
    assert identical(list(model.buffers()), list(plain.buffers()))
    assert hooks(model) == 0
    expected = byhand.gradients(inhibition, unmasked, handle.sites, x)
    assert byhand.off(model, expected) < 1e-6
    kept_whole = repr(handle).count("nothing masked yet")
    if kept_whole < len(handle.sites):
        without = {name: p.grad for name, p in plain.named_parameters()}
        assert byhand.off(model, without) > 1e-3
    return handle
