"""What a network says of one photograph."""

import pytest
import torch

from gradmask.lab.measures.saliency.looking import EXPLAINING, look_at
from gradmask.lab.measures.saliency.maps import MAPS
from gradmask.lab.networks.small import small_resnet


def test_the_most_probable_classes_are_named_and_the_first_is_explained():
    network, image = small_resnet(seed=0).eval(), torch.rand(1, 16, 16)
    found = look_at(network, image, "abcdefghij", count=3)
    with torch.no_grad():
        probability = network(image[None]).softmax(1)[0]
    order = probability.argsort(descending=True)
    assert [name for name, _ in found.answers] == ["abcdefghij"[i] for i in order[:3]]
    shares = [share for _, share in found.answers]
    assert shares == pytest.approx(probability[order[:3]].tolist())
    assert tuple(found.maps) == EXPLAINING
    for name, drawn in found.maps.items():
        assert torch.equal(drawn, MAPS[name](network, image[None], order[:1])[0])


def test_there_are_no_more_answers_than_classes():
    network, image = small_resnet(2, seed=0), torch.rand(1, 16, 16)
    assert len(look_at(network, image, ("cat", "dog"), maps=()).answers) == 2
