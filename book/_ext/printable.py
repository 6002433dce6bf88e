"""Let the book be one page, for paper: `make pdf` prints it."""

from sphinx.application import Sphinx
from sphinx.config import Config


def inherit_nodes(app: Sphinx, config: Config) -> None:
    """Have the single page write every extension's nodes as the book's pages do."""
    handlers = app.registry.translation_handlers
    handlers["singlehtml"] = handlers["html"] | handlers.get("singlehtml", {})


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", inherit_nodes, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
