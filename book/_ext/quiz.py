"""Questions: how to answer them stands once, and right and wrong answers look so."""

from docutils import nodes
from sphinx.application import Sphinx

HINT = "Click an answer to check it."
KINDS = {"Right": "right", "No": "wrong"}


def mark(app: Sphinx, doctree: nodes.document) -> None:
    """Say above a page's first question what to do, and class every answer."""
    quizzes = [n for n in doctree.findall(nodes.admonition) if "quiz" in n["classes"]]
    for answer in (p for quiz in quizzes for p in quiz.findall(nodes.paragraph)):
        verdict, colon, _ = answer.astext().partition(":")
        if colon and verdict in KINDS:
            answer["classes"].append(KINDS[verdict])
    if quizzes:
        parent = quizzes[0].parent
        parent.insert(parent.index(quizzes[0]), nodes.paragraph("", HINT))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("doctree-read", mark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
