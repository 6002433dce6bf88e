"""Under every figure of stored results: the commands that make them again.

What a figure is drawn from is read off the code: a cell stands on the records that it
loads, and on those behind every name that it uses.
"""

import ast
import json
import re
import symtable
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.application import Sphinx

RECORDS = Path(__file__).parents[1] / "records"


def say(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Add the commands to the cells of a page that draw stored results."""
    path = Path(app.srcdir, f"{page}.ipynb")
    if app.builder.name != "html" or not path.is_file():
        return
    cells = nbformat.read(path, as_version=4).cells
    behind = list(records(c.source if c.cell_type == "code" else "" for c in cells))
    for container in doctree.findall(nodes.container):
        if container.get("nb_element") == "cell_code":
            found = sorted(behind[container["cell_index"]])
            if found and next(container.findall(nodes.figure), None):
                container.append(nodes.raw("", html(found), format="html"))


def records(sources: Iterable[str]) -> Iterator[set[str]]:
    """Yield the records that each cell stands on."""
    known = {path.stem for path in RECORDS.glob("*.json")}
    behind: dict[str, set[str]] = {}
    for source in sources:
        whole: set[str] = set()
        code = re.sub(r"(?m)^( *)%", r"\1pass  # ", source)
        for statement in ast.parse(code).body:
            table = symtable.symtable(ast.unparse(statement), "cell", "exec")
            changed = {s.get_name() for s in table.get_symbols() if s.is_assigned()}
            names = set(used(table)) - set(looped(statement)) | set(grown(statement))
            found = set().union(*(behind.get(name, ()) for name in names))
            if "load" in names:
                texts = (n for n in ast.walk(statement) if isinstance(n, ast.Constant))
                found |= known & {text.value for text in texts}
            for name in changed | set(filled(statement)):
                behind[name] = found
            whole |= found
        yield whole


def used(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the names of a page that a statement reads, in its functions, too."""
    outermost = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (outermost or symbol.is_global()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from used(inner)


def looped(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a loop gives its values before they are read."""
    for node in ast.walk(statement):
        if isinstance(node, ast.For):
            targets = ast.walk(node.target)
            yield from (name.id for name in targets if isinstance(name, ast.Name))


def grown(statement: ast.stmt) -> Iterator[str]:
    """Yield the names whose value a statement adds to."""
    for node in ast.walk(statement):
        match node:
            case ast.AugAssign(target=ast.Name(id=name)):
                yield name


def filled(statement: ast.stmt) -> Iterator[str]:
    """Yield the names of collections in which a statement puts something."""
    for node in ast.walk(statement):
        match node:
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store()):
                yield name


def html(names: Iterable[str]) -> str:
    """Write the commands, folded, each with the time that it took."""
    commands = "".join(f"<li>{command(name)}</li>" for name in names)
    return (
        '<details class="stored"><summary>Make this figure yourself</summary>'
        f"<ul>{commands}</ul></details>"
    )


def command(name: str) -> str:
    """Write a record's command, and how long its seeds took one after another."""
    record = json.loads((RECORDS / f"{name}.json").read_text("utf-8"))
    profile = record["profile"]
    option = "" if profile == "laptop" else f" --profile {profile}"
    minutes = sum(run["seconds"] for run in record["runs"]) / 60
    time = f"{minutes:.0f} minutes" if minutes < 100 else f"{minutes / 60:.0f} hours"
    return f"<code>python -m gradmask.lab run {name}{option}</code> ({time})"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("doctree-resolved", say)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
