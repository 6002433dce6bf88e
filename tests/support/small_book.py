"""Build a book of one chapter with Sphinx, to see what an extension makes of it."""

import json
from pathlib import Path

from sphinx.cmd.build import build_main

EXTENSIONS = Path(__file__).parents[2] / "book/_ext"
FIND_EXTENSIONS = f"import sys\nsys.path.insert(0, {str(EXTENSIONS)!r})\n"


def markdown(source):
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def build(folder, conf, cells, builder="html"):
    """Build chapter.ipynb, of these cells, and return the folder of its page."""
    cells = [cell | {"id": str(number)} for number, cell in enumerate(cells)]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "conf.py").write_text(FIND_EXTENSIONS + conf)
    (folder / "chapter.ipynb").write_text(json.dumps(notebook))
    out = folder / builder
    assert build_main(["-qb", builder, str(folder), str(out)]) == 0
    return out
