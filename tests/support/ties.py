"""Masks that agree but for ties: where a response is at its level up to rounding."""

import torch

import gradmask as gm

EPS = torch.finfo(torch.float32).eps


def ties(energy, kernels, threshold=0.0):
    """Positions whose response is at a scale's level, within what rounding explains."""
    energy, found = energy.double().cpu(), False
    for kernel in kernels:
        kernel = kernel.double().cpu()
        response = gm.functional.lateral_response(energy, kernel)
        rounding = 4 * EPS * kernel.abs().sum() * energy.amax((2, 3), keepdim=True)
        level = threshold * response.std((2, 3), correction=0, keepdim=True) + rounding
        found = found | ((response - level).abs() <= 2 * rounding)
    return found


def agree(mask, delta, kernels, threshold=0.0, energy=None):
    """Whether a mask is the one of the formulas on a CPU, but for ties."""
    if energy is None:
        energy = gm.functional.error_energy(delta.cpu())
    energy = energy.cpu()
    kernels = [kernel.cpu() for kernel in kernels]
    expected = gm.functional.lateral_mask(energy, kernels, threshold)
    differ = mask.cpu() != expected
    return bool((~differ | ties(energy, kernels, threshold)).all())
