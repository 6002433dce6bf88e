"""Cut MyST Markdown into its directives and what stands between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from mdit_py_plugins.colon_fence import colon_fence_plugin

BLOCKS = MarkdownIt("commonmark").use(colon_fence_plugin).disable("inline")
HEAD = re.compile(r"\{(?P<name>[\w:-]+)\} *(?P<title>.*)")
OPTION = re.compile(r":([\w-]+): *(.*)\n")
ROLE = re.compile(r"\{(?P<name>[\w:]+)\}`(?:(?P<said>[^`<]+) <)?(?P<target>[^`>]+)>?`")


@dataclass(frozen=True)
class Fence:
    """A directive, or code if it has no name; ``source`` is how it is written."""

    name: str
    title: str
    options: dict[str, str]
    body: str
    source: str


def parts(source: str) -> Iterator[str | Fence]:
    """Yield the fences of a text, and what is between them.

    Fences in a list or a quotation are part of what is between.
    """
    lines = source.splitlines(keepends=True)
    done = 0
    for token in BLOCKS.parse(source):
        if token.type in ("fence", "colon_fence") and token.level == 0:
            start, end = token.map
            yield "".join(lines[done:start])
            yield _fence(token.info, token.content, "".join(lines[start:end]))
            done = end
    yield "".join(lines[done:])


def directives(source: str) -> Iterator[Fence]:
    """Yield the directives of a text, and those within them."""
    for part in parts(source):
        if isinstance(part, Fence) and part.name:
            yield part
            yield from directives(part.body)


def _fence(info: str, content: str, source: str) -> Fence:
    head = HEAD.fullmatch(info.strip())
    if head is None:
        return Fence("", info, {}, content, source)
    options = {}
    while option := OPTION.match(content):
        options[option[1]] = option[2]
        content = content[option.end() :]
    return Fence(
        head["name"], head["title"], options, content.strip("\n") + "\n", source
    )
