"""Reports read records: neither torch nor anything else of the laboratory."""

import ast
from pathlib import Path

import pytest

LAB = Path(__file__).parents[3] / "gradmask/lab"


def imports(path):
    """Names of all modules that a file imports, also for types alone."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            yield node.module


def in_the_lab(path):
    """Names of all modules that a file reaches through the laboratory's own."""
    seen, found, todo = set(), set(), [path]
    while todo:
        names = set(imports(todo.pop()))
        found |= names
        for name in names - seen:
            own = LAB.parents[1] / (name.replace(".", "/") + ".py")
            if name.startswith("gradmask.lab") and own.exists():
                todo.append(own)
        seen |= names
    return found


@pytest.mark.parametrize(
    "path", sorted((LAB / "reports").glob("*.py")), ids=lambda path: path.stem
)
def test_reports_read_records_alone_and_never_reach_torch(path):
    own = ("gradmask.lab.records", "gradmask.lab.reports.")
    names = in_the_lab(path)
    assert all(name.startswith(own) for name in names if name.startswith("gradmask"))
    assert not {name.partition(".")[0] for name in names} & {"torch", "torchvision"}
