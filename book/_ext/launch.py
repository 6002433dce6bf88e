"""Buttons that open a chapter on Binder or Colab, once the repository has an address.

The one place to name it is ``Repository`` under ``[project.urls]`` in pyproject.toml;
without it there are no buttons. They lead to the plain copies, which have a branch of
their own.
"""

import tomllib
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def address(pyproject: Path, name: str) -> str | None:
    """Address of this name, such as "Repository", if there is one."""
    project = tomllib.loads(pyproject.read_text("utf-8"))["project"]
    url: str | None = project.get("urls", {}).get(name)
    return url


def add_buttons(app: Sphinx, config: Config) -> None:
    """Tell the theme where the notebooks lie."""
    if url := address(PYPROJECT, "Repository"):
        config.html_theme_options |= {
            "repository_url": url.removesuffix(".git"),
            "repository_branch": "notebooks",
            "use_repository_button": True,
            "launch_buttons": {
                "binderhub_url": "https://mybinder.org",
                "colab_url": "https://colab.research.google.com",
            },
        }


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", add_buttons, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
