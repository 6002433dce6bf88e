"""How long a chapter takes: to read, by a rule, and to run, as measured once.

The rule for reading: 120 words a minute, which is slow, since many readers are not
native; a minute for each displayed formula and each figure, half a minute for a table,
five seconds for a line of code that is shown.  An exercise takes 5, 10 or 20 minutes by
its grade.  ``python book/minutes.py`` runs every chapter on the laptop's budget, one
after another, and writes how long its kernel computed into ``running.json``; what the
chapters put out is kept for the book.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

BOOK = Path(__file__).parent
sys.path.insert(0, str(BOOK / "_ext"))
RUNNING = BOOK / "running.json"
GRADES = {"Warm-up": 5, "Practice": 10, "Stretch": 20}
UNSEEN = {"remove-cell", "remove-input", "hide-input"}
DISPLAYED = re.compile(r"\$\$.+?\$\$", re.DOTALL)
INLINE = re.compile(r"\$[^$]+\$")
WORD = re.compile(r"[A-Za-z][\w'-]*")

Cell = Mapping[str, Any]


class Chapter(NamedTuple):
    """What is known of a chapter before anybody opens it.

    Attributes
    ----------
    name, title : str
        Of its file, and of its page up to a colon.
    needs : tuple of str
        Names of the chapters that it builds on.
    reading, exercises : int
        Minutes.
    running : float
        Minutes of one processor core.
    """

    name: str
    title: str
    needs: tuple[str, ...]
    reading: int
    exercises: int
    running: float


@cache
def chapters() -> tuple[Chapter, ...]:
    """Every chapter of the book, in its order."""
    seconds = json.loads(RUNNING.read_text("utf-8"))["seconds"]
    return tuple(
        Chapter(
            name,
            title(cells),
            needs(cells),
            reading_minutes(cells),
            exercise_minutes(cells),
            seconds[name] / 60,
        )
        for name, cells in _read()
    )


def reading_minutes(cells: Iterable[Cell]) -> int:
    """Minutes to read a chapter up to its exercises, to the next five."""
    minutes = 0.0
    for cell in cells:
        text = "".join(cell["source"])
        if text.startswith("## Exercises"):
            break
        if cell["cell_type"] == "markdown":
            minutes += len(DISPLAYED.findall(text))
            prose = INLINE.sub("x", DISPLAYED.sub(" ", text))
            minutes += len(WORD.findall(prose)) / 120
        else:
            minutes += _minutes_of_code(cell["metadata"], text)
    return 5 * max(1, round(minutes / 5))


def exercise_minutes(cells: Iterable[Cell]) -> int:
    """Minutes for all exercises of a chapter, by their grades."""
    text = _prose(cells)
    return sum(
        minutes * len(re.findall(rf"^\*{grade}\.\*", text, re.MULTILINE))
        for grade, minutes in GRADES.items()
    )


def needs(cells: Iterable[Cell]) -> tuple[str, ...]:
    """Chapters that are named in the first sentence behind *Needs:*."""
    sentence = re.search(r"\*Needs: ([^.]+)\.", _prose(cells))
    return tuple(re.findall(r"\{doc\}`(.+?)`", sentence[1])) if sentence else ()


def title(cells: Iterable[Cell]) -> str:
    """Title of a chapter, up to a colon, and without a star."""
    heading = re.search(r"^# (?:★ )?([^:\n]+)", _prose(cells), re.MULTILINE)
    return heading[1] if heading else ""


def in_words(minutes: float) -> str:
    """Running minutes as one says them."""
    if minutes < 0.75:
        return "less than a minute"
    return "a minute" if minutes < 1.5 else f"{round(minutes)} minutes"


def header(chapter: Chapter) -> str:
    """What the first lines of a chapter say of its time."""
    exercises = f"; exercises: {chapter.exercises} minutes" if chapter.exercises else ""
    running = in_words(chapter.running)
    return f"Reading: {chapter.reading} minutes{exercises}. Running: {running}."


def with_times(page: str, source: str) -> str:
    """Put a chapter's minutes in front of what its source says that it needs."""
    if "*Needs: " not in source:
        return source
    headers = {chapter.name: header(chapter) for chapter in chapters()}
    return source.replace("*Needs: ", f"*{headers[page]} Needs: ", 1)


def table() -> str:
    """All chapters in Markdown: what each needs, and how long it takes."""
    head = "chapter", "needs", "reading", "exercises", "running"
    titles = {c.name: c.title for c in chapters()}
    body = [
        (
            f"{{doc}}`{c.name}`",
            ", ".join(f"{{doc}}`{titles[name]} <{name}>`" for name in c.needs),
            f"{c.reading} min",
            f"{c.exercises} min",
            f"{c.running:.1f} min",
        )
        for c in chapters()
    ]
    rows = [head, ("---",) * len(head), *body]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def measure() -> None:
    """Run every chapter, and keep the processor time of its kernel."""
    import nbformat
    import torch
    from execution_cache import keep
    from nbclient import NotebookClient

    from gradmask.lab.provenance import provenance

    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["GRADMASK_BUDGET"] = "laptop"
    seconds: dict[str, float] = {}
    for name, _ in _read():
        before = _computed()
        path = BOOK / f"{name}.ipynb"
        where = {"metadata": {"path": str(BOOK)}}
        client = NotebookClient(
            nbformat.read(path, as_version=4), timeout=1800, resources=where
        )
        keep(client.execute(), path)
        seconds[name] = round(_computed() - before, 1)
        print(f"{name}: {seconds[name]} s", flush=True)
    made = provenance(torch.device("cpu"))
    text = json.dumps({"provenance": made, "seconds": seconds}, indent=1)
    RUNNING.write_text(f"{text}\n", "utf-8")


def _prose(cells: Iterable[Cell]) -> str:
    prose = (cell["source"] for cell in cells if cell["cell_type"] == "markdown")
    return "\n".join(map("".join, prose))


def _minutes_of_code(metadata: Mapping[str, Any], code: str) -> float:
    figure = "mystnb" in metadata
    tables = len(re.findall(r"\w*table\(", code))
    seen = not UNSEEN.intersection(metadata.get("tags", ()))
    lines = sum(bool(line.strip()) for line in code.splitlines()) if seen else 0
    return figure + tables / 2 + lines * 5 / 60


def _read() -> list[tuple[str, list[Cell]]]:
    toc = yaml.safe_load((BOOK / "_toc.yml").read_text("utf-8"))
    numbered = [part["chapters"] for part in toc["parts"] if "numbered" in part]
    files = [chapter["file"] for part in numbered for chapter in part]
    return [
        (name, json.loads((BOOK / f"{name}.ipynb").read_text("utf-8"))["cells"])
        for name in files
    ]


def _computed() -> float:
    """Processor seconds of all kernels that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    measure()
