"""Build a book of one chapter with Sphinx, to see what an extension makes of it."""

import json
import subprocess
import sys
from pathlib import Path

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
    command = [sys.executable, "-m", "sphinx", "-qb", builder, str(folder), str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return out
