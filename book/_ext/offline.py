"""Make the pages complete without a network: no script comes from a CDN."""

from importlib.util import find_spec
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config


def bundle_mathjax(app: Sphinx, config: Config) -> None:
    """Serve MathJax as the one file that needs no fonts and no further scripts."""
    package = find_spec("sphinx-mathjax-offline")
    script = Path(package.origin).parent / "static/mathjax/tex-svg-full.js"
    config.html_static_path.append(str(script))
    config.mathjax_path = script.name
    config.mathjax3_config = {"options": {"enableMenu": False}}


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.config.nb_ipywidgets_js = {}
    app.connect("config-inited", bundle_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
