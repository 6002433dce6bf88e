"""Tables in colours show the numbers that they are handed."""

import numpy as np
import torch

from gradmask.lab.figures import matrices as draw
from gradmask.lab.reports.layers import Settings
from gradmask.lab.reports.stats import Interval


def test_cosines_are_ordered_by_class():
    matrix = torch.arange(9.0).view(3, 3)
    figure = draw.cosines({"title": matrix}, torch.tensor([1, 0, 1]))
    order = [1, 0, 2]
    assert np.array_equal(figure.axes[0].images[0].get_array(), matrix[order][:, order])


def test_by_layer_maps_layers_over_epochs():
    q, share = [[0.5, 0.6, 0.9]] * 2, [[0] * 3, [1] * 3]
    names = ("cnn", "vgg", "resnet", "mobilenet")
    quantities = {"Q": dict.fromkeys(names, q), "share": dict.fromkeys(names, share)}
    figure = draw.by_layer(quantities, [0, 1, 4])
    assert np.allclose(figure.axes[0].images[0].get_array(), q)
    assert np.allclose(figure.axes[4].images[0].get_array(), share)
    assert figure.axes[4].images[0].get_clim() == (0, 1)


def test_by_layer_colours_a_signed_number_about_zero():
    values = {"LGQ": {"cnn": [[-0.5, 0.2]], "vgg": [[0.1, 0.3]]}}
    figure = draw.by_layer(values, [0, 1], signed=["LGQ"])
    assert figure.axes[0].images[0].get_clim() == (-0.5, 0.5)
    assert figure.axes[1].images[0].get_cmap().name == "PuOr"


def test_settings_are_written_into_their_cells():
    gains = {("error", 0.0): np.array([[1.0, 2.0]]), ("error", 1.0): np.ones((1, 2))}
    first, second = draw.settings(Settings([0.25], [32, 8], gains)).axes
    assert [text.get_text() for text in first.texts] == ["1.00", "2.00"]
    assert np.allclose(first.images[0].get_array(), [[0, 1]])
    title = second.get_title("left") or second.get_title()
    assert title == "error,\nthreshold 1"
    assert [t.get_text() for t in first.get_xticklabels()] == ["32", "8"]


def test_means_are_written_and_differences_are_bold_where_they_are_clear():
    better, unclear = Interval(0.2, 0.1, 0.3), Interval(-0.1, -0.3, 0.1)
    panels = {"IoU": {"lateral": {"vgg": better, "cnn": unclear}}}
    (ax,) = draw.means(panels, "share", differences=True).axes
    texts = [(text.get_text(), text.get_weight()) for text in ax.texts]
    assert texts == [("+0.20", "bold"), ("−0.10", "normal")]
    assert np.allclose(ax.images[0].get_array(), [[1, 0]])
    (ax,) = draw.means(panels, "share").axes
    assert {text.get_weight() for text in ax.texts} == {"normal"}
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["vgg", "cnn"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["lateral"]
