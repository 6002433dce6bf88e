"""What a page says of itself to search engines, and to those who share its link.

A description, a title and a colour always; a picture and an address only where
``Documentation`` stands under ``[project.urls]`` in pyproject.toml, as they must be
absolute.
"""

import re
import textwrap
from html import escape, unescape

import launch
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

PICTURE = "_static/gradient-mask.png"
PICTURED = "A scene, its error, the lateral response, the mask, and the masked error."
GROUNDS = {"light": "#ffffff", "dark": "#121212"}  # the theme's
OUTCOME = "After this chapter"
LENGTH = 200


def description(doctree: nodes.document) -> str:
    """Take what a page promises, or else its first paragraph, shortened."""
    said = [
        " ".join(paragraph.astext().split())
        for paragraph in doctree.findall(nodes.paragraph)
        if not paragraph.next_node(nodes.math)
    ]
    promised = [text for text in said if text.startswith(OUTCOME)]
    chosen = next(iter(promised or said), "")
    return textwrap.shorten(chosen, LENGTH, placeholder=" ...")


def plain(title: str) -> str:
    """Drop a title's tags and its chapter's number."""
    title = re.sub(r'<span class="section-number">.*?</span>', "", title)
    return unescape(re.sub(r"<[^>]+>", "", title))


def tags(title: str, site: str, text: str, page: str, base: str) -> str:
    """Write the tags of a page's head; without an address, none that need one."""
    said = {"og:type": "article", "og:site_name": site, "og:title": title}
    if text:
        said["og:description"] = text
    if base:
        said["og:url"] = page
        said["og:image"] = base.removesuffix("/") + "/" + PICTURE
        said["og:image:alt"] = PICTURED
    lines = [
        f'<meta property="{key}" content="{escape(value)}" />'
        for key, value in said.items()
    ]
    if text:
        lines.append(f'<meta name="description" content="{escape(text)}" />')
    lines += [
        f'<meta name="theme-color" media="(prefers-color-scheme: {mode})" '
        f'content="{colour}" />'
        for mode, colour in GROUNDS.items()
    ]
    return "\n    ".join(["", *lines])


def know_address(app: Sphinx, config: Config) -> None:
    """Tell Sphinx where the book lies, if it lies anywhere."""
    config.html_baseurl = launch.address(launch.PYPROJECT, "Documentation") or ""


def describe(app, pagename, templatename, context, doctree) -> None:
    """Complete the head of a page of the book; its tab shows the title to the colon."""
    if doctree is None or app.builder.name != "html":
        return
    site = app.config.html_title
    title = plain(context["title"])
    context["metatags"] += tags(
        title,
        site,
        description(doctree),
        context.get("pageurl") or "",
        app.config.html_baseurl,
    )
    context["docstitle"] = ""
    if title != site:
        context["title"] = f"{title.partition(':')[0]} – {site}"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", know_address, priority=400)
    app.connect("html-page-context", describe)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
