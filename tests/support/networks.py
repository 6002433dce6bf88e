"""Small networks and the gradients of any, for the tests."""

import torch
from torch import nn


def plain_net(norm=nn.BatchNorm2d, *, inplace=False, width=4, dtype=torch.float64):
    """Two convolutions, a normalisation each, and a linear read-out."""
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(2, width, 3, padding=1),
        norm(width),
        nn.ReLU(inplace),
        nn.Conv2d(width, width, 3, padding=1),
        norm(width),
        nn.ReLU(inplace),
        nn.Flatten(),
        nn.Linear(width * 12 * 12, 3),
    ).to(dtype)


def bare_net(**kwargs):
    """The same without normalisation."""
    return plain_net(lambda width: nn.Identity(), **kwargs)


class ResidualNet(nn.Module):
    """One block ``relu(b(relu(a(x))) + x)`` behind a stem; the ReLU is shared."""

    def __init__(self, inplace=True):
        super().__init__()
        torch.manual_seed(1)
        self.stem = nn.Conv2d(2, 4, 3, padding=1)
        self.a = nn.Conv2d(4, 4, 3, padding=1)
        self.b = nn.Conv2d(4, 4, 3, padding=1)
        self.relu = nn.ReLU(inplace)
        self.head = nn.Linear(4 * 12 * 12, 3)

    def forward(self, x):
        x = self.stem(x)
        h = self.b(self.relu(self.a(x)))
        h += x
        return self.head(self.relu(h).flatten(1))


def batch(n=4, channels=2, side=12, dtype=torch.float64):
    generator = torch.Generator().manual_seed(2)
    return torch.randn(n, channels, side, side, generator=generator, dtype=dtype)


def loss(output):
    """A scalar whose gradient differs at every output."""
    weights = torch.linspace(0.5, 2, output[0].numel()).to(output)
    return (output.pow(2).flatten(1) * weights).sum()


def gradients(model, x, call=None):
    """Gradients of every parameter, freshly computed, in one list."""
    model.zero_grad(set_to_none=True)
    loss((model if call is None else call)(x)).backward()
    return [None if p.grad is None else p.grad.clone() for p in model.parameters()]


def identical(a, b):
    return len(a) == len(b) and all(map(torch.equal, a, b))


def close(a, b, rtol=1e-5, atol=1e-8):
    return len(a) == len(b) and all(
        torch.allclose(x, y, rtol, atol) for x, y in zip(a, b, strict=True)
    )


def hooks(model):
    """How many hooks a model carries."""
    names = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
    names += ("_backward_pre_hooks", "_forward_hooks_with_kwargs")
    names += ("_forward_pre_hooks_with_kwargs",)
    return sum(len(getattr(m, name)) for m in model.modules() for name in names)
