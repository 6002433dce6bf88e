"""Keep executed notebooks for as long as all that their outputs depend on is unchanged.

Jupyter Book looks at a notebook's own code alone; here the library's code, the records,
the budget and the version of torch count too.
"""

import hashlib
import os
import shutil
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.config import Config

ROOT = Path(__file__).parents[2]
CACHES = ROOT / ".cache/book"


def current_cache() -> Path:
    """Folder that is named after what the outputs depend on."""
    budget = os.environ.get("GRADMASK_BUDGET", "laptop")
    digest = hashlib.sha256(version("torch").encode())
    sources = [
        path
        for path in (ROOT / "gradmask").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    for path in sorted([*sources, *(ROOT / "book/records").rglob("*.json")]):
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return CACHES / f"{budget}-{digest.hexdigest()[:16]}"


def keep(executed: NotebookNode, path: Path) -> None:
    """Keep a notebook that was executed elsewhere: the book does not run it again."""
    for cell in executed.cells:
        cell.metadata.pop("execution", None)  # a time is no part of what was asked
    cache = current_cache()
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHES / "lock"):
        get_cache(cache).cache_notebook_bundle(
            CacheBundleIn(executed, str(path)), check_validity=False, overwrite=True
        )


def choose_cache(app: Sphinx, config: Config) -> None:
    """Have the book keep its outputs in the current cache, and drop those outdated."""
    cache = current_cache()
    budget, _, _ = cache.name.partition("-")
    for outdated in set(CACHES.glob(f"{budget}-*")) - {cache}:
        shutil.rmtree(outdated)
    config.nb_execution_cache_path = str(cache)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", choose_cache)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
