"""Say how long each chapter takes, above it and in a table of all chapters."""

import sys
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

sys.path.insert(0, str(Path(__file__).parents[1]))

import minutes


def say_times(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put a chapter's minutes in front of what it needs."""
    source[0] = minutes.with_times(docname, source[0])


class Chapters(SphinxDirective):
    """A table of all chapters: what each needs, and how long it takes."""

    def run(self) -> list[nodes.Node]:
        """Write the table as Markdown, so that its links are resolved."""
        return self.parse_text_to_nodes(minutes.table())


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", say_times)
    app.add_directive("chapters", Chapters)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
