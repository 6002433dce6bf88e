"""Explain a term of the glossary where a chapter first uses it.

The word becomes a link to its entry; the theme shows the definition when a pointer is
above it, or the keyboard's focus on it.
"""

import re
from functools import cache
from typing import NamedTuple

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.writers.html5 import HTML5Translator

EVERYDAY = {"attention", "gain", "hit", "random"}  # mostly, they mean something else
OUTSIDE = (nodes.FixedTextElement, nodes.literal, nodes.math, nodes.reference)
OUTSIDE += (addnodes.pending_xref, nodes.entry, nodes.admonition)


class Entry(NamedTuple):
    """Where a term is explained, and how."""

    docname: str
    anchor: str
    definition: str


class term_link(nodes.reference):
    """A word that the glossary explains."""


@cache
def glossary(env: BuildEnvironment) -> dict[str, Entry]:
    """Read the entries of the book's glossary, by their terms in small letters."""
    objects = env.domaindata["std"]["objects"]
    docnames = {
        docname for (kind, _), (docname, _) in objects.items() if kind == "term"
    }
    return {
        item[0].astext().lower(): Entry(
            docname, item[0]["ids"][0], " ".join(item[-1].astext().split())
        )
        for docname in docnames
        for listed in env.get_doctree(docname).findall(addnodes.glossary)
        for item in listed.findall(nodes.definition_list_item)
    }


def first_use(text: str, terms: set[str]) -> re.Match[str] | None:
    """Find the first of these terms in a text, in the singular or the plural."""
    longest = sorted(terms, key=len, reverse=True)
    words = "|".join(r"\s+".join(map(re.escape, term.split())) for term in longest)
    return re.search(rf"(?i)(?<![\w-])({words})s?(?![\w-])", text) if terms else None


def is_prose(text: nodes.Text) -> bool:
    """Whether a text of a paragraph is neither code nor in a table or a link."""
    node = text.parent
    while node is not None and not isinstance(node, OUTSIDE):
        node = node.parent
    return node is None


def link(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link the first use of every term in a chapter."""
    if app.builder.name != "html" or not app.env.doc2path(docname).endswith(".ipynb"):
        return
    entries = glossary(app.env)
    left = set(entries) - EVERYDAY
    for paragraph in list(doctree.findall(nodes.paragraph)):
        for text in [t for t in paragraph.findall(nodes.Text) if is_prose(t)]:
            parts: list[nodes.Node] = []
            rest = text.astext()
            while match := first_use(rest, left):
                term = " ".join(match[1].lower().split())
                left.remove(term)
                before, rest = rest[: match.start()], rest[match.end() :]
                parts += [
                    nodes.Text(before),
                    linked(app, docname, match[0], entries[term]),
                ]
            if parts:
                text.parent.replace(text, [*parts, nodes.Text(rest)])


def linked(app: Sphinx, docname: str, word: str, entry: Entry) -> term_link:
    """Make the link of a word to its entry."""
    uri = f"{app.builder.get_relative_uri(docname, entry.docname)}#{entry.anchor}"
    return term_link("", word, refuri=uri, reftitle=entry.definition)


def visit(self: HTML5Translator, node: term_link) -> None:
    """Begin a link with a tooltip, which is Bootstrap's, as the theme's own are."""
    attributes = {"href": node["refuri"], "title": node["reftitle"]}
    attributes["data-bs-toggle"] = "tooltip"
    self.body.append(self.starttag(node, "a", "", CLASS="term", **attributes))


def depart(self: HTML5Translator, node: term_link) -> None:
    """End the link."""
    self.body.append("</a>")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_node(term_link, html=(visit, depart))
    app.connect("doctree-resolved", link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
