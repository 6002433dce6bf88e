"""Turn chapters into slides: pictures, formulas and code are shown, prose is spoken.

The builder is sphinx-revealjs. What a slide leaves out stands in its notes, which the
speaker sees after pressing S.
"""

from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from myst_nb.core.render import base_render_priority
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx_proof.nodes import NODE_TYPES
from sphinx_revealjs.nodes import revealjs_break

SEEN = (nodes.bullet_list, nodes.math_block, nodes.table, *NODE_TYPES.values())
UNSEEN = (nodes.section, nodes.Invisible, nodes.target)
LINES = 14
UNTOLD = {"Exercises", "Limits"}


def configure(app: Sphinx, config: Config) -> None:
    """Give the builder the book's files, highlighted code and a speaker's view."""
    style = str(Path(__file__).with_name("slides.css"))
    config.revealjs_static_path = [*config.html_static_path, style]
    config.revealjs_css_files = ["revealjs/plugin/highlight/zenburn.css", "slides.css"]
    config.revealjs_style_theme = "white"
    config.revealjs_notes_from_comments = True
    config.revealjs_script_conf = {
        "center": False,
        "hash": True,
        "height": 720,
        "slideNumber": True,
        "width": 1280,
    }
    config.revealjs_script_plugins = [
        {
            "name": f"Reveal{plugin.title()}",
            "src": f"revealjs/plugin/{plugin}/{plugin}.js",
        }
        for plugin in ("highlight", "notes")
    ]
    config.nb_mime_priority_overrides = [
        ("revealjs", *preference)
        for preference in base_render_priority()["html"].items()
    ]


def shown(node: nodes.Element) -> list[nodes.Element]:
    """Choose what of one of a section's children is worth a place on the wall."""
    if node.get("nb_element") != "cell_code":
        seen = isinstance(node, SEEN) or "quiz" in node["classes"]
        return [node] if seen else []
    if figures := list(node.findall(nodes.figure)):
        return figures
    *code, last = node.children
    if last.get("nb_element") != "cell_code_output":
        folded = "nb_element" not in last
        return [] if folded or "assert " in last.astext() else [last]
    code = [part for part in code if "nb_element" in part and lines(part) < LINES]
    return [last] if last.next_node(nodes.raw) else [*code, last]


def lines(part: nodes.Element) -> int:
    """Count the lines of a cell's code, but the last one."""
    return part.astext().count("\n")


def slides(section: nodes.section) -> Iterator[nodes.Element]:
    """Yield a section's children anew: a slide's title, what it shows, its notes."""
    title, *children = section.children
    told = [child for child in children if not isinstance(child, UNSEEN)]
    if not any(map(shown, told)):
        yield from (title, *told[:1], note(told[1:]))
        return
    yield title
    notes = []
    full = False
    for child in told:
        parts = shown(child)
        if parts and full:
            yield from (note(notes), revealjs_break())
            notes = []
        yield from parts
        full = full or bool(parts)
        if not parts:
            notes.append(child)
    yield note(notes)


def note(children: list[nodes.Element]) -> nodes.comment:
    """Put prose into the speaker's notes."""
    return nodes.comment("", "", *children)


def cut(section: nodes.section) -> None:
    """Cut a section, and those in it, into slides; a chapter's own is its cover."""
    inner = [child for child in section if isinstance(child, nodes.section)]
    inner = [child for child in inner if child[0].astext() not in UNTOLD]
    if isinstance(section.parent, nodes.document):
        title, *told = [c for c in section if not isinstance(c, UNSEEN)]
        section[:] = [title, *told[:1], *inner]
    else:
        section[:] = [*slides(section), *inner]
    for child in inner:
        cut(child)


def contents(app: Sphinx) -> nodes.bullet_list:
    """List the chapters, each with a link to its slides."""
    links = nodes.bullet_list()
    for name in app.env.toctree_includes[app.config.root_doc]:
        if app.env.doc2path(name).endswith(".ipynb"):
            link = nodes.reference(
                "", app.env.titles[name].astext(), refuri=f"{name}.html", internal=True
            )
            links += nodes.list_item("", nodes.paragraph("", "", link))
    return links


def show(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Make a page a set of slides."""
    for untitled in list(doctree.findall(nodes.section)):
        if not isinstance(untitled[0], nodes.title):
            untitled.replace_self(untitled.children)
    page = doctree.next_node(nodes.section)
    if docname == app.config.root_doc:
        page[:] = [page[0], contents(app)]
    else:
        cut(page)


def leave_scripts(app, pagename, templatename, context, doctree) -> None:
    """Load none of the scripts that are for the book's pages, but those of MathJax."""
    context["script_files"] = [
        script
        for script in context["script_files"]
        if "MathJax" in str(script.attributes) or "tex-svg" in str(script.filename)
    ]


def begin(app: Sphinx) -> None:
    """Act for the builder of slides alone, and make none of the library's source."""
    if app.builder.name == "revealjs":
        app.events.listeners["html-collect-pages"].clear()
        app.connect("doctree-resolved", show, priority=900)
        app.connect("html-page-context", leave_scripts, priority=900)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", configure, priority=900)
    app.connect("builder-inited", begin, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
