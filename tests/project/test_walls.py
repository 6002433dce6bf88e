"""The walls between the rooms, read from what each module imports."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# What each room may know of the rooms, from the ground up.
LIBRARY = {
    "functional": [],
    "theory": ["functional"],
    "fused": ["functional"],
    "masking": ["functional", "fused"],
    "gradient_mask": ["functional", "fused", "masking"],
    "soft_mask": ["functional", "gradient_mask"],
    "quality": ["functional", "masking", "gradient_mask"],
    "saliency": ["functional", "masking", "gradient_mask"],
}
LAB = {
    "settings": [],
    "records": ["settings"],
    "provenance": ["settings", "records"],
    "reports": ["records"],
    "simulation": ["reports"],
    "figures": ["settings", "records", "reports", "simulation"],
    "data": ["settings"],
    "networks": ["settings", "data"],
    "measures": ["settings", "records", "reports", "data", "networks"],
    "training": ["settings", "data", "networks", "measures"],
}
COMMANDS = {"cli", "__main__"}


def dotted(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[: -1 if parts[-1] == "__init__" else None])


MODULES = {dotted(path): path for path in (ROOT / "gradmask").rglob("*.py")}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in MODULES.items()}


def imported(name):
    """Yield all that a module imports, be it inside a function or for types alone."""
    package = name.split(".")[: None if MODULES[name].stem == "__init__" else -1]
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            outer = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*outer, *filter(None, [node.module])])
            inner = {f"{base}.{alias.name}" for alias in node.names}
            ours = base.partition(".")[0] == "gradmask"
            yield from (n if n in MODULES or not ours else base for n in inner)


IMPORTS = {name: set(imported(name)) for name in MODULES}


def within(names, prefix):
    return {name for name in names if f"{name}.".startswith(f"{prefix}.")}


def rooms(names, house):
    """Name the rooms of a house, gradmask or gradmask.lab, that the names lie in."""
    inside = (name.removeprefix(f"{house}.") for name in within(names, house) - {house})
    return {name.partition(".")[0] for name in inside}


def known_to(room, house):
    names = within(MODULES, f"{house}.{room}")
    assert names, f"there is no room {room}"
    return rooms(set().union(*(IMPORTS[name] for name in names)), house) - {room}


def holders_of(used):
    return {name for name, tree in TREES.items() if any(map(used, ast.walk(tree)))}


def is_dotted(node):
    return isinstance(node, ast.Attribute)


def is_hook(node):
    return is_dotted(node) and re.fullmatch(r"register_\w*hook", node.attr)


def is_autograd_node(node):
    bases = node.bases if isinstance(node, ast.ClassDef) else []
    return any(ast.unparse(base).endswith("Function") for base in bases)


def test_every_room_of_the_library_has_its_place():
    found = {name.split(".")[1] for name in MODULES if "." in name}
    assert found == {*LIBRARY, "lab"}


@pytest.mark.parametrize("room", LIBRARY)
def test_a_room_of_the_library_knows_only_what_it_stands_on(room):
    assert known_to(room, "gradmask") <= {*LIBRARY[room]}


@pytest.mark.parametrize("room", LAB)
def test_a_room_of_the_laboratory_knows_only_what_it_stands_on(room):
    assert known_to(room, "gradmask.lab") <= {*LAB[room]}


def test_every_room_of_the_laboratory_has_its_place():
    found = rooms(MODULES, "gradmask.lab")
    assert found == {*LAB, "experiments", *COMMANDS}


def test_no_module_imports_itself_by_way_of_others():
    TopologicalSorter(IMPORTS).prepare()


@pytest.mark.parametrize("house", [LIBRARY, LAB])
def test_the_rooms_stand_on_one_another_without_a_circle(house):
    assert {room for below in house.values() for room in below} <= {*house}
    TopologicalSorter(house).prepare()


def test_formulas_know_tensors_alone():
    for name in within(MODULES, "gradmask.functional"):
        used = {ast.unparse(n) for n in ast.walk(TREES[name]) if is_dotted(n)}
        modules = within(IMPORTS[name] | used, "torch.nn")
        assert modules == within(modules, "torch.nn.functional"), name


def test_kernels_alone_know_triton():
    users = {name for name in MODULES if within(IMPORTS[name], "triton")}
    assert users == within(users, "gradmask.fused.kernels") != set()


def test_autograd_nodes_are_masks_alone():
    assert holders_of(is_autograd_node) <= within(MODULES, "gradmask.masking")


def test_hooks_are_in_the_library_the_masks_alone():
    hooked = holders_of(is_hook) - within(MODULES, "gradmask.lab")
    assert hooked == within(hooked, "gradmask.masking") != set()


def test_hooks_are_in_the_laboratory_inspection_alone():
    timed = "gradmask.lab.experiments.overhead"  # a plain hook is what it measures
    hooked = within(holders_of(is_hook), "gradmask.lab") - {timed}
    assert hooked == within(hooked, "gradmask.lab.networks.inspection") != set()


@pytest.mark.parametrize("room", ["reports", "figures"])
def test_what_reads_records_never_imports_torch(room):
    names = within(MODULES, f"gradmask.lab.{room}")
    computing = {"torch", "torchvision", "accelerate", "captum"}
    roots = {n: {i.partition(".")[0] for i in IMPORTS[n]} for n in names}
    assert not {name for name in names if roots[name] & computing}


def test_nobody_but_the_command_line_imports_experiments():
    users = {n for n in MODULES if within(IMPORTS[n], "gradmask.lab.experiments")}
    users -= within(MODULES, "gradmask.lab.experiments")
    assert rooms(users, "gradmask.lab") <= COMMANDS


def test_nobody_computes_with_figures():
    users = {n for n in MODULES if within(IMPORTS[n], "gradmask.lab.figures")}
    users -= within(MODULES, "gradmask.lab.figures")
    assert rooms(users, "gradmask.lab") <= COMMANDS


def test_a_room_of_the_laboratory_opens_with_its_docstring_alone():
    doors = {name for name, path in MODULES.items() if path.stem == "__init__"}
    doors = within(doors, "gradmask.lab")
    assert not {name for name in doors if len(TREES[name].body) > 1}
