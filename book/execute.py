"""Run the chapters whose outputs the book does not have yet, two at a time.

Jupyter Book runs one after the other; what is kept here it takes as it is.  The long
ones come first, so that both processes end at about the same time.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from nbmake.nb_run import NotebookRun

BOOK = Path(__file__).parent
LONG = {"assumptions", "gradient-quality", "interpretation", "saliency", "training"}
sys.path[:0] = [str(BOOK), str(BOOK / "_ext")]

from execution_cache import current_cache, keep  # noqa: E402
from forked_kernels import fork_kernels  # noqa: E402

if sys.platform == "linux":
    fork_kernels()


def is_kept(path: Path) -> bool:
    """Whether there are outputs of just this code."""
    try:
        get_cache(current_cache()).match_cache_notebook(nbformat.read(path, 4))
    except KeyError:
        return False
    return True


def execute(path: Path) -> str | None:
    """Run a chapter and keep its outputs, or return the traceback of its error."""
    begin = time.monotonic()
    run = NotebookRun(path, default_timeout=1800).execute()
    if run.error is not None:
        return f"{path.name}\n{run.error.trace}"
    keep(run.nb, path)
    print(f"{path.name} took {time.monotonic() - begin:.0f} s", flush=True)
    return None


def main() -> int:
    """Return 1 where a chapter failed."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    chapters = sorted(BOOK.glob("*.ipynb"), key=lambda path: path.stem not in LONG)
    waiting = [path for path in chapters if not is_kept(path)]
    with ThreadPoolExecutor(2) as pool:
        failures = [trace for trace in pool.map(execute, waiting) if trace]
    print(*failures, sep="\n\n", file=sys.stderr, end="\n" if failures else "")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
