"""How a mask acts on a network: hooks and autograd nodes, one file for each route."""

from gradmask.masking.handle import Handle, attach
from gradmask.masking.layers import (
    ACTIVATIONS,
    Layers,
    choose,
    follows_linear,
    types_in,
)
from gradmask.masking.observe import recorded
from gradmask.masking.signal import SignalRoute
from gradmask.masking.site import paused
from gradmask.masking.weights import WeightsRoute

__all__ = [
    "ACTIVATIONS",
    "Handle",
    "Layers",
    "SignalRoute",
    "WeightsRoute",
    "attach",
    "choose",
    "follows_linear",
    "paused",
    "recorded",
    "types_in",
]
