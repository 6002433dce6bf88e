"""Mend what Sphinx's extensions write against the standards of HTML and ARIA."""

from docutils import nodes
from sphinx.application import Sphinx


def name_once(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Leave an id to its first element: every exercise and proof brings the same."""
    if app.builder.name == "singlehtml":  # every chapter brings its summary, too
        return
    taken = set()
    for node in doctree.findall(
        lambda n: isinstance(n, nodes.section | nodes.admonition)
    ):
        node["ids"] = [name for name in node["ids"] if name not in taken]
        taken.update(node["ids"])


def list_references(app, pagename, templatename, context, doctree) -> None:
    """Make the references items of their list, for which they have a withdrawn role."""
    if "body" in context:
        context["body"] = context["body"].replace(
            'role="doc-biblioentry"', 'role="listitem"'
        )


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("doctree-resolved", name_once)
    app.connect("html-page-context", list_references)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
