"""The page of notation against the library's names and the chapters' formulas."""

import inspect
import re

import pytest
from support.notebooks import BOOK, markdown

import gradmask

ROW = re.compile(
    r"\| \$(?P<symbol>[^$]+)\$ \|.*\|(?P<code>[^|]*)\| \{doc\}`(?P<doc>.+)` \|"
)
ROWS = [
    match.groupdict()
    for line in (BOOK / "notation.md").read_text("utf-8").splitlines()
    if (match := ROW.fullmatch(line))
]


def test_every_row_is_read_and_no_symbol_is_taken_twice():
    lines = (BOOK / "notation.md").read_text("utf-8").splitlines()
    assert len(ROWS) == sum(line.startswith("| $") for line in lines) > 20
    symbols = [row["symbol"] for row in ROWS]
    assert len(set(symbols)) == len(symbols)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["symbol"])
def test_the_library_knows_the_name(row):
    if not (code := row["code"].strip(" `")):
        return
    function, _, parameter = code.rstrip(")").partition("(")
    room, _, name = function.rpartition(".")
    home = getattr(gradmask, room) if room else gradmask
    assert name in home.__all__
    if parameter:
        assert parameter in inspect.signature(getattr(home, name)).parameters


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["symbol"])
def test_the_chapter_uses_the_symbol_in_a_formula(row):
    pairs = re.findall(
        r"\$\$(.+?)\$\$|\$(.+?)\$", markdown(BOOK / f"{row['doc']}.ipynb"), re.DOTALL
    )
    formulas = " ".join(map("".join, pairs))
    symbol = re.escape(row["symbol"])
    assert re.search(rf"(?<![A-Za-z\\]){symbol}(?![A-Za-z])", formulas)
