"""Keep executed notebooks for as long as all that their outputs depend on is unchanged.

Jupyter Book looks at a notebook's own code alone; here the library's code, the records,
the budget and the version of torch count too.
"""

import hashlib
import os
import shutil
from importlib.metadata import version
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

ROOT = Path(__file__).parents[2]
CACHES = ROOT / ".cache/book"


def choose_cache(app: Sphinx, config: Config) -> None:
    """Name the cache after what the outputs depend on, and drop what it outdates."""
    budget = os.environ.get("GRADMASK_BUDGET", "laptop")
    digest = hashlib.sha256(version("torch").encode())
    folders = (ROOT / "gradmask", ROOT / "book/records")
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(ROOT).as_posix().encode())
            digest.update(path.read_bytes())

    cache = CACHES / f"{budget}-{digest.hexdigest()[:16]}"
    for outdated in set(CACHES.glob(f"{budget}-*")) - {cache}:
        shutil.rmtree(outdated)
    config.nb_execution_cache_path = str(cache)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", choose_cache)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
