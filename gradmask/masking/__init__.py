"""How a mask acts on a network: hooks, autograd nodes, and nothing else."""

from gradmask.masking.handle import Handle

__all__ = ["Handle"]
