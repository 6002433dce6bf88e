"""How a mask acts on a network: two routes, each with its sites and its node."""

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
