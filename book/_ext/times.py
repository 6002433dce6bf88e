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
    for chapter in minutes.chapters():
        if chapter.name == docname:
            said = f"*{minutes.header(chapter)} Needs: "
            source[0] = source[0].replace("*Needs: ", said, 1)


class Chapters(SphinxDirective):
    """A table of all chapters: what each needs, and how long it takes."""

    def run(self) -> list[nodes.Node]:
        """Write the table as Markdown, so that its links are resolved."""
        head = "chapter", "needs", "reading", "exercises", "running"
        body = [
            (
                f"{{doc}}`{c.name}`",
                ", ".join(f"{{doc}}`{name}`" for name in c.needs),
                f"{c.reading} min",
                f"{c.exercises} min",
                f"{c.running:.1f} min",
            )
            for c in minutes.chapters()
        ]
        rows = [head, ("---",) * len(head), *body]
        lines = [f"| {' | '.join(row)} |" for row in rows]
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", say_times)
    app.add_directive("chapters", Chapters)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
