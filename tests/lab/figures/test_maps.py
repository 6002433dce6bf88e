"""Maps are drawn as they are, with outlines and titles."""

import numpy as np
import torch

from gradmask.lab.figures import maps as draw
from gradmask.lab.measures.layers.receptive_field import radius


def seeded():
    return torch.Generator().manual_seed(0)


def titles(figure):
    # The book's style sets titles flush left, Matplotlib's own in the centre.
    return [ax.get_title("left") or ax.get_title("center") for ax in figure.axes]


def test_the_model_shows_every_step():
    support = torch.zeros(9, 9, dtype=torch.bool)
    support[2:5, 2:5] = True
    energy, response = torch.rand(2, 9, 9, generator=seeded())
    mask = response > 0.5
    drawn = [ax.images[0] for ax in draw.model(support, energy, response, mask).axes]
    expected = [support, energy, response, mask, mask * energy]
    for picture, field in zip(drawn, expected, strict=True):
        assert np.allclose(picture.get_array(), field)
    assert drawn[1].get_clim() == drawn[4].get_clim() == (0, energy.max())


def test_anatomy_has_a_row_for_every_scene():
    outline = torch.zeros(2, 9, 9, dtype=torch.bool)
    outline[:, 2:5, 2:5] = True
    image, energy, response = torch.rand(3, 2, 9, 9, generator=seeded())
    mask = response > 0.5
    figure = draw.anatomy(image, outline, energy, response, mask)
    *pictures, bar = figure.axes
    assert len(pictures) == 10
    assert [tick.get_text() for tick in bar.get_xticklabels()] == ["−", "+", "0"]
    shown = [ax.images[0].get_array() for ax in pictures[5:]]
    expected = [image[1], energy[1], response[1], mask[1], (energy * mask)[1]]
    assert all(np.allclose(*pair) for pair in zip(shown, expected, strict=True))
    assert not any(titles(figure)[5:])


def test_one_scene_shows_every_step_in_two_rows():
    outline = torch.zeros(9, 9, dtype=torch.bool)
    outline[2:5, 2:5] = True
    image, energy, response = torch.rand(3, 9, 9, generator=seeded())
    mask = response > 0.5
    figure = draw.masked(image, outline, energy, response, mask)
    drawn = {
        title: ax.images[0].get_array()
        for title, ax in zip(titles(figure), figure.axes, strict=True)
        if ax.images
    }
    expected = {
        "scene": image,
        "error energy": energy,
        "response": response,
        "mask": mask,
        "masked error": energy * mask,
    }
    assert drawn.keys() == expected.keys()
    assert all(np.allclose(drawn[title], expected[title]) for title in drawn)


def test_every_layer_shows_the_energy_and_what_is_kept():
    energy = torch.rand(9, 9, generator=seeded())
    kept = energy * (energy > 0.5)
    upper, lower = draw.every_layer({"relu": (energy, kept)}).axes
    assert np.allclose(upper.images[0].get_array(), energy)
    assert np.allclose(lower.images[0].get_array(), kept)
    assert upper.images[0].get_clim() == lower.images[0].get_clim()


def test_energy_maps_name_their_columns_once():
    images = torch.rand(2, 32, 32, generator=seeded())
    outlines = torch.zeros(2, 32, 32, dtype=torch.bool)
    outlines[:, 10:20, 10:20] = True
    names = [
        f"{kind},\n{stage}"
        for kind in ("error", "contribution")
        for stage in ("before", "after")
    ]
    energies = {name: torch.rand(2, 8, 8, generator=seeded()) for name in names}
    figure = draw.energy_maps(images, outlines, energies)
    assert titles(figure)[:5] == ["scene", *names]
    assert not any(titles(figure)[5:])
    assert np.allclose(figure.axes[6].images[0].get_array(), energies[names[0]][1])


def test_weighings_share_a_scale_from_nothing_to_twice():
    energy = torch.rand(5, 5, generator=seeded())
    first, second = draw.weighings(energy, {"soft": 2 * energy}).axes
    assert np.allclose(first.images[0].get_array(), energy)
    assert second.images[0].get_clim() == (0, 2)


def test_filters_share_a_scale_about_zero():
    networks = {name: torch.randn(5, 3, 3, generator=seeded()) for name in "ab"}
    networks["b"][2, 0, 0] = -9.0
    axes = draw.filters(networks).axes
    assert len(axes) == 10
    assert {ax.images[0].get_clim() for ax in axes} == {(-9, 9)}
    assert np.array_equal(axes[7].images[0].get_array(), networks["b"][2])


def test_a_field_is_titled_with_its_radius():
    field = torch.rand(9, 9, generator=seeded())
    (ax,) = draw.receptive_fields({"plain": {"stem": (field, radius(field))}}).axes
    assert np.allclose(ax.images[0].get_array() ** 2, field)
    title = ax.get_title("left") or ax.get_title()
    assert title == f"stem: {radius(field):.1f} pixels"


def test_signed_maps_share_one_scale_about_zero():
    maps = {"small": np.full((4, 4), -0.5), "large": np.full((4, 4), 2.0)}
    figure = draw.signed_maps(maps, np.eye(4, dtype=bool))
    assert [ax.images[0].get_clim() for ax in figure.axes] == [(-2, 2), (-2, 2)]
    assert [ax.get_title() for ax in figure.axes] == ["small", "large"]
