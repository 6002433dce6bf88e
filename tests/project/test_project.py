"""The project's files agree with one another."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import gradmask

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "book"
NOTEBOOKS = sorted(BOOK.glob("*.ipynb"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))


def load_yaml(path):
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


def test_the_conda_environment_leaves_all_to_pyproject():
    python, pip, packages = load_yaml("environment.yml")["dependencies"]
    (editable,) = packages["pip"]
    extra = re.fullmatch(r"-e \.\[(\w+)\]", editable).group(1)
    assert python == f"python{PROJECT['requires-python']}"
    assert pip == "pip"
    assert extra in PROJECT["optional-dependencies"]


def test_no_dependency_is_pinned():
    extras = PROJECT["optional-dependencies"].values()
    assert not [d for d in sum(extras, PROJECT["dependencies"]) if "==" in d]


def test_there_is_one_version():
    assert gradmask.__version__ == PROJECT["version"]
    assert load_yaml("CITATION.cff")["version"] == PROJECT["version"]


def test_the_readme_names_make_targets():
    readme = (ROOT / "README.md").read_text("utf-8")
    commands = set(re.findall(r"(?:^|`|\$ )make ([a-z-]+)", readme, re.M))
    assert {"book", "test"} <= commands <= TARGETS


def test_make_help_lists_every_target():
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True)
    assert set(re.findall(r"^  make ([a-z-]+)", shown.stdout, re.M)) == TARGETS


def test_a_class_installs_from_where_the_wheels_lie():
    command = ["make", "--dry-run", "wheelhouse", "ARGS=--pre"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    folder, extra = re.search(
        r"wheel --wheel-dir (\S+) --pre '\.\[(\w+)\]'", shown
    ).groups()
    assert f'install --no-index --find-links {folder} "gradmask[{extra}]"' in shown
    assert extra in PROJECT["optional-dependencies"]


def test_the_workflow_runs_what_there_is():
    jobs = load_yaml(".github/workflows/publish.yml")["jobs"]
    commands = "\n".join(s.get("run", "") for j in jobs.values() for s in j["steps"])
    assert {*re.findall(r"make ([a-z-]+)", commands)} <= TARGETS
    assert ".ci/run" in commands
    assert all({*j.get("needs", [])} <= {*jobs} for j in jobs.values())


def test_the_contents_list_what_the_book_folder_holds():
    toc = load_yaml("book/_toc.yml")
    listed = {page["file"] for part in toc["parts"] for page in part["chapters"]}
    there = {path.stem for path in BOOK.glob("*") if path.suffix in {".ipynb", ".md"}}
    assert listed | {toc["root"]} == there - {"LICENSE"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_clean(path):
    notebook = json.loads(path.read_text("utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)
    assert notebook["metadata"].keys() == {"kernelspec"}
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"


def imports(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = ["gradmask"] * bool(node.level) + [node.module or ""]
            yield from (".".join([*module, alias.name]) for alias in node.names)


def test_the_library_imports_torch_alone():
    lab, kernels = ROOT / "gradmask/lab", ROOT / "gradmask/fused/kernels"
    apart = {lab, kernels}
    files = {p for p in (ROOT / "gradmask").rglob("*.py") if not apart & {*p.parents}}
    names = {name for path in files for name in imports(path)}
    roots = {name.partition(".")[0] for name in names}
    assert roots - sys.stdlib_module_names == {"gradmask", "torch"}
    assert not [name for name in names if name.startswith("gradmask.lab")]
    own = {name for path in kernels.glob("*.py") for name in imports(path)}
    assert {name.partition(".")[0] for name in own} == {"triton"}


def test_importing_the_library_loads_no_kernels_and_nothing_of_the_laboratory():
    code = "import gradmask, sys; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    late = {"gradmask.lab", "matplotlib", "torchvision", "scipy", "IPython"}
    assert (late | {"gradmask.fused.kernels"}).isdisjoint(loaded)
