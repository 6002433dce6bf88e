"""The page of notation against the library's names and the chapters' formulas."""

import inspect
import re
from functools import cache

import pytest
import yaml
from support.notebooks import BOOK, CHAPTERS, cells, markdown

import gradmask

TEXT = (BOOK / "notation.md").read_text("utf-8")
ROW = re.compile(
    r"\| \$(?P<symbol>[^$]+)\$ \|(?P<meaning>.+?)\|(?:(?P<code>[^|]*)\|)?"
    r" \{doc\}`(?P<doc>.+)` \|"
)
ROWS = [m.groupdict() for line in TEXT.splitlines() if (m := ROW.fullmatch(line))]
SHARED = [row for row in ROWS if row["code"] is not None]
LOCAL = [row for row in ROWS if row["code"] is None]
INDICES = {"i", "j", "l"}
READING = [
    chapter["file"]
    for part in yaml.safe_load((BOOK / "_toc.yml").read_text("utf-8"))["parts"]
    for chapter in part["chapters"]
    if (BOOK / f"{chapter['file']}.ipynb").exists()
]

GREEK = re.compile(
    r"\\(?:alpha|beta|chi|delta|ell|epsilon|eta|gamma|iota|kappa|lambda|mu|nu|omega|phi"
    r"|pi|psi|rho|sigma|tau|theta|upsilon|varepsilon|varphi|varpi|varrho|varsigma"
    r"|vartheta|xi|zeta|Delta|Gamma|Lambda|Omega|Phi|Pi|Psi|Sigma|Theta|Upsilon|Xi)"
)
FENCED = re.compile(r"^(`{3,})([^\n]*)\n.*?^\1\s*$", re.DOTALL | re.MULTILINE)
NAMES = re.compile(
    r"\\(?:text|mathrm|mathbf|operatorname\*?|begin|end)\s*(?:\{[^{}]*\}|[A-Za-z])"
)
TOKEN = re.compile(r"\\[A-Za-z]+|[A-Za-z]")


def formulas(path):
    """Every formula of a chapter, inline or displayed, in its prose and captions."""
    for cell in cells(path):
        figure = cell["metadata"].get("mystnb", {}).get("figure", {})
        prose = "".join(cell["source"]) if cell["cell_type"] == "markdown" else ""
        prose = FENCED.sub(lambda m: m[0] if "{" in m[2] else "", prose)
        for text in prose, figure.get("caption", ""):
            for pair in re.findall(r"\$\$(.+?)\$\$|\$(.+?)\$", text, re.DOTALL):
                yield "".join(pair)


def found_in(formula, compounds):
    """Symbols of a formula: those with an index or a prime first, then the letters."""
    found = set()
    for compound in compounds:
        pattern = rf"(?<![A-Za-z\\]){re.escape(compound)}(?![A-Za-z])"
        formula, count = re.subn(pattern, " ", formula)
        if count:
            found.add(compound)
    for token in TOKEN.findall(NAMES.sub(" ", formula)):
        if len(token) == 1 or GREEK.fullmatch(token):
            found.add(token)
    return found


@cache
def used(chapter):
    """Symbols of a chapter's formulas."""
    own = [row["symbol"] for row in LOCAL if row["doc"] == chapter]
    listed = [row["symbol"] for row in SHARED] + own
    compounds = [s for s in listed if not re.fullmatch(r"\\?[A-Za-z]+", s)]
    compounds.sort(key=len, reverse=True)
    path = BOOK / f"{chapter}.ipynb"
    return set().union(*(found_in(f, compounds) for f in formulas(path)))


def test_every_row_is_read_and_no_symbol_is_taken_twice():
    assert len(ROWS) == sum(line.startswith("| $") for line in TEXT.splitlines())
    assert len(SHARED) > 30
    assert len(LOCAL) > 30
    shared = [row["symbol"] for row in SHARED]
    local = [(row["symbol"], row["doc"]) for row in LOCAL]
    assert len(set(shared)) == len(shared)
    assert len(set(local)) == len(local)
    assert not set(shared) & {row["symbol"] for row in LOCAL}
    assert not INDICES & {row["symbol"] for row in ROWS}
    assert all(f"${index}$" in TEXT for index in INDICES)


@pytest.mark.parametrize("row", SHARED, ids=lambda row: row["symbol"])
def test_the_library_knows_the_name(row):
    if not (code := row["code"].strip(" `")):
        return
    function, _, parameter = code.rstrip(")").partition("(")
    room, _, name = function.rpartition(".")
    home = getattr(gradmask, room) if room else gradmask
    assert name in home.__all__
    if parameter:
        assert parameter in inspect.signature(getattr(home, name)).parameters


@pytest.mark.parametrize(
    "row",
    ROWS,
    ids=lambda row: f"{row['symbol']} in {row['doc']}",
)
def test_the_chapter_uses_the_symbol_in_a_formula(row):
    assert row["symbol"] in used(row["doc"])


@pytest.mark.parametrize("chapter", [path.stem for path in CHAPTERS])
def test_every_symbol_of_a_chapter_is_on_the_page(chapter):
    own = {row["symbol"] for row in LOCAL if row["doc"] == chapter}
    known = {row["symbol"] for row in SHARED} | own | INDICES
    assert used(chapter) - known == set()


@pytest.mark.parametrize("row", SHARED, ids=lambda row: row["symbol"])
def test_no_chapter_uses_a_symbol_before_it_is_introduced(row):
    before = set(READING[: READING.index(row["doc"])])
    assert not [chapter for chapter in before if row["symbol"] in used(chapter)]


@pytest.mark.parametrize("chapter", [path.stem for path in CHAPTERS])
def test_no_line_of_a_formula_begins_like_that_of_a_list(chapter):
    """Markdown would end the formula there."""
    inline = re.findall(r"(?<!\$)\$(?!\$)[^$]+\$", markdown(BOOK / f"{chapter}.ipynb"))
    assert not [one for one in inline if re.search(r"\n\s*([-+*>]|\d+\.) ", one)]


def test_formulas_are_taken_apart_into_symbols():
    formula = r"\text{gain} \le \frac{\mathrm E\, w_e - \sigma_r}{\hat g_i'} \ell\, xk'"
    assert found_in(formula, [r"\sigma_r", "w_e"]) == {
        r"\sigma_r", "w_e", "g", "i", r"\ell", "x", "k",
    }  # fmt: skip
    assert found_in(r"g' + \delta'(x)", [r"\delta'", "g'"]) == {"g'", r"\delta'", "x"}
