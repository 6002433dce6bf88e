"""A folder that a training leaves: what came out of it, and where to go on.

It holds ``history.json``, a row for every pass, with configuration and provenance;
``state.pt``, from which an interrupted training goes on; and at last ``model.pt``, the
state dict of the network.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gradmask.lab.provenance import provenance
from gradmask.lab.records import Row

__all__ = ["PENDING", "History"]

PENDING = "pending.pt"
"""What the checkpoint is called while its pass is not yet in the history."""


@dataclass
class History:
    """What a training has given so far, kept in a folder.

    The checkpoint that the loop saves as `PENDING` becomes ``state.pt`` only once the
    row of its pass is written.  So a training that is killed at any time loses at most
    one pass, and its history has no gap.

    Attributes
    ----------
    folder : Path
        Where it is kept.
    config : dict
        What was trained, and how.
    made : list of dict
        Provenance of every start; see :func:`gradmask.lab.provenance.provenance`.
    rows : list of dict
        A row for each pass, with its number under "epoch".
    """

    folder: Path
    config: Mapping[str, Any]
    made: list[dict[str, str | int]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    @classmethod
    def open(
        cls, folder: Path, config: Mapping[str, Any], device: torch.device
    ) -> History:
        """Make the folder or go on in it; what it cannot hold is found out here.

        Raises
        ------
        OSError
            If the folder cannot be made or written to.
        ValueError
            If it holds a training with another configuration, or something else.
        """
        folder.mkdir(parents=True, exist_ok=True)
        history = cls(folder, json.loads(json.dumps(config)))
        known = history._path.exists()
        if known:
            history._read()
        history.made.append(provenance(device))
        history.write()
        history._pending.unlink(missing_ok=True)
        if known and history._state.exists():
            shutil.copyfile(history._state, history._pending)
        return history

    @property
    def _pending(self) -> Path:
        return self.folder / PENDING

    @property
    def _state(self) -> Path:
        return self.folder / "state.pt"

    @property
    def _path(self) -> Path:
        return self.folder / "history.json"

    def add(self, row: Mapping[str, int | float]) -> None:
        """Keep the row of a pass, in which nan is None, and the state behind it."""
        lost = {key: None for key, value in row.items() if not math.isfinite(value)}
        before = [old for old in self.rows if old["epoch"] < row["epoch"]]
        self.rows = [*before, {**row, **lost}]
        self.write()
        self._pending.replace(self._state)

    def close(self, model: nn.Module) -> None:
        """Save the network's state dict."""
        self._pending.unlink(missing_ok=True)
        temporary = self.folder / "model.tmp"
        torch.save(model.state_dict(), temporary)
        temporary.replace(self.folder / "model.pt")

    def write(self) -> None:
        """Replace ``history.json`` in one step."""
        parts = {"config": self.config, "provenance": self.made, "epochs": self.rows}
        temporary = self._path.with_suffix(".tmp")
        temporary.write_text(json.dumps(parts, indent=1) + "\n", "utf-8")
        temporary.replace(self._path)

    def _read(self) -> None:
        try:
            stored = json.loads(self._path.read_text("utf-8"))
            config, self.made = stored["config"], stored["provenance"]
            self.rows = stored["epochs"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self._path} is not a training's history") from error
        different = [key for key in self.config if config.get(key) != self.config[key]]
        if different:
            raise ValueError(
                f"{self.folder} holds a training with another configuration "
                f"({', '.join(different)}): name another folder"
            )
