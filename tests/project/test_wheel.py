"""The wheel works where only what it declares is installed."""

import subprocess
import sys
import tomllib
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

LIBRARY = """
from pathlib import Path

import gradmask as gm
import torch
from torch import nn

assert (Path(gm.__file__).parent / "py.typed").exists()

try:
    import matplotlib
except ImportError:
    pass
else:
    raise AssertionError("the library's tests see more than the library declares")

model = nn.Sequential(
    nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.LazyLinear(2)
)
model(torch.randn(2, 1, 12, 12))
with gm.GradientMask(1.0).attach(model):
    model(torch.randn(2, 1, 12, 12)).square().sum().backward()
assert all(parameter.grad is not None for parameter in model.parameters())
"""

LAB = """
from gradmask.lab.data.fashion import load_fashion_mnist
from gradmask.lab.records import load

assert len(load("core").runs) >= 10
assert load_fashion_mnist().test.images.shape == (2000, 1, 28, 28)
"""


def closure(requirements):
    """Name every distribution that the requirements bring along."""
    pending, seen = [Requirement(line) for line in requirements], set()
    while pending:
        requirement = pending.pop()
        if str(requirement) not in seen:
            seen.add(str(requirement))
            needed = map(Requirement, distribution(requirement.name).requires or [])
            pending += [r for r in needed if applies(r.marker, requirement.extras)]
    return {Requirement(line).name for line in seen}


def applies(marker, extras):
    return not marker or any(marker.evaluate({"extra": e}) for e in {"", *extras})


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """What is installed from the wheel, and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    target = folder / "installed"
    pip("install", "--no-deps", "--no-index", "--no-compile", "--target", target, wheel)
    return target


def pip(*arguments):
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *arguments], check=True)


@pytest.mark.parametrize(
    ("requirements", "code"),
    [
        (PROJECT["dependencies"], LIBRARY),
        (PROJECT["dependencies"] + PROJECT["optional-dependencies"]["lab"], LAB),
    ],
    ids=["library", "lab"],
)
def test_the_wheel_needs_no_more_than_it_declares(
    tmp_path, installed, requirements, code
):
    venv.create(tmp_path, symlinks=True)
    python = tmp_path / "bin/python"
    (site,) = tmp_path.glob("lib/python*/site-packages")
    for path in installed.iterdir():
        (site / path.name).symlink_to(path)
    for needed in map(distribution, closure(requirements)):
        for top in {file.parts[0] for file in needed.files} - {"..", "__pycache__"}:
            # Namespaces that distributions share are linked once, whole.
            if not (site / top).exists():
                (site / top).symlink_to(needed.locate_file(top))
    subprocess.run([python, "-I", "-c", code], cwd=tmp_path, check=True)
