"""Figures draw what they are handed: they import nothing that could compute it."""

import ast
import sys
from pathlib import Path

import pytest

from gradmask.lab import reports

ROOM = Path(__file__).parents[3] / "gradmask/lab/figures"
DRAWING = {"cycler", "IPython", "matplotlib", "numpy", "PIL"}


def imported(path):
    """Pairs of module and name that a file imports, also for types alone."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            yield from ((node.module, alias.name) for alias in node.names)


def is_a_type(module, name):
    """Whether a report's name is that of a class."""
    path = Path(reports.__file__).parent / (module.rpartition(".")[2] + ".py")
    tree = ast.parse(path.read_text("utf-8"))
    return name in {n.name for n in tree.body if isinstance(n, ast.ClassDef)}


@pytest.mark.parametrize("path", sorted(ROOM.glob("*.py")), ids=lambda path: path.stem)
def test_figures_import_what_draws_and_types_of_reports(path):
    for module, name in imported(path):
        root = module.partition(".")[0]
        if root == "gradmask":
            figures = module.startswith("gradmask.lab.figures.")
            types = module.startswith("gradmask.lab.reports.")
            assert figures or (types and is_a_type(module, name)), (module, name)
        else:
            assert root in DRAWING | sys.stdlib_module_names, module
