"""The plain copies: nothing of MyST is left, every link leads on, and the code runs."""

import re
import subprocess
from functools import cache

import labels
import nbformat
import plain
import pytest
import student
import yaml
from labels import Book, Place
from markdown_it import MarkdownIt
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from pybtex.database import parse_string
from support.notebooks import BOOK

ROOT = BOOK.parent
LITERATURE = """
@book{mach, author = {Mach, Ernst}, title = {A}, year = {1865}, publisher = {P}}
@book{pair, author = {Marr, David and Hildreth, E.}, title = {B}, year = {1980},
  publisher = {P}}
@book{many, author = {Van Gool, Luc and B, C and D, E}, title = {C}, year = {2010},
  publisher = {P}}
"""
SMALL = Book(
    pages={"here": new_notebook(), "there": new_notebook()},
    titles={"here": "This", "there": "That: a result", "api": "API reference"},
    places={
        "fig-a": Place("here", "Fig. 1.1"),
        "fig-b": Place("there", "Fig. 2.1"),
        "ex-a": Place("here", "Exercise 1.1"),
        "thm-a": Place("here", "Theorem 1.1"),
        "cor-a": Place("here", "Corollary 1.1"),
        "within": Place("here", "Within one chapter"),
    },
    literature=dict(parse_string(LITERATURE, "bibtex").entries),
)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{doc}`there`", "[That: a result](there.ipynb)"),
        ("{doc}`it <there>`", "[it](there.ipynb)"),
        ("{doc}`api`", "API reference"),
        ("{numref}`fig-a`, {ref}`ex-a`", "Fig. 1.1, Exercise 1.1"),
        ("({numref}`fig-b`)", "([Fig. 2.1](there.ipynb))"),
        ("{prf:ref}`thm-a`", "Theorem 1.1"),
        ("{cite}`mach`", "[Mach, 1865]"),
        ("{cite}`pair,many`", "[Marr and Hildreth, 1980; Van Gool et al., 2010]"),
        ("{cite:t}`mach`", "Mach [1865]"),
        ("{func}`gradmask.theory.gain`", "`gradmask.theory.gain`"),
        ("{py:meth}`~gradmask.GradientMask.attach`", "`attach`"),
        ("A $x_i$ and `{b}` stay.", "A $x_i$ and `{b}` stay."),
        ("```python\n'{doc}`there`'\n```", "```python\n'{doc}`there`'\n```"),
        ("A\n\n```{index} a, b\n```\n\nB", "A\n\nB"),
        ("(within)=\n## Within one chapter", "## Within one chapter"),
        ("[see](within)", "[see](#Within-one-chapter)"),
        (
            "````{prf:proof}\nSo\n\n$$\nx\n$$\n````",
            "**Proof.**\n\nSo\n\n$$\nx\n$$\n\n∎",
        ),
        (
            "````{prf:theorem} The *best*\n:label: thm-a\n\nLet $x$.\n````",
            "**Theorem 1.1 (The *best*).**\n\nLet $x$.",
        ),
        ("````{prf:corollary}\n:label: cor-a\n\nA\n````", "**Corollary 1.1.**\n\nA"),
        ("```{warning}\nThe {doc}`api`.\n```", "**Warning.**\n\nThe API reference."),
        (
            "```{exercise} One\n:label: ex-a\n\nDo.\n\n"
            ":::{hint}\n:class: dropdown\n\nSo.\n:::\n```",
            "### Exercise 1.1 (One)\n\nDo.\n\n"
            "<details><summary>Hint</summary>\n\nSo.\n\n</details>",
        ),
        (
            "::::{admonition} Why?\n:class: quiz\n\n"
            ":::{dropdown} `a` & *b*\nNo: {cite}`mach`.\n:::\n::::",
            "**Why?**\n\n<details><summary><code>a</code> &amp; <em>b</em></summary>"
            "\n\nNo: [Mach, 1865].\n\n</details>",
        ),
        (
            "```{glossary}\nb c\n  Long,\n  long.\n\nd\n  Short.\n```",
            "- **b c**: Long, long.\n- **d**: Short.",
        ),
        (
            '<div class="doors">\n<a href="there.html"><strong>Read</strong> it</a>\n'
            '<a href="#within">Run</a>\n<a href="api.html">Use</a>\n</div>',
            "- [**Read** it](there.ipynb)\n- [Run](#Within-one-chapter)\n- Use",
        ),
        (
            '<picture>\n<source srcset="a.png">\n<img src="b.webp">\n</picture>',
            '<img src="b.webp">',
        ),
    ],
)
def test_myst_becomes_what_every_tool_shows(source, expected):
    assert plain.Prose("here", SMALL).text(source).strip() == expected


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("```{sidebar} A\nB\n```", "sidebar"),
        ("{abbr}`A`", "abbr"),
        ("{numref}`fig-c`", "fig-c"),
        ("{doc}`nowhere`", "nowhere"),
        ("{cite}`nobody`", "nobody"),
    ],
)
def test_what_has_no_plain_form_is_refused(source, error):
    with pytest.raises((KeyError, ValueError), match=error):
        plain.Prose("here", SMALL).text(source)


def chapter(*cells):
    return new_notebook(cells=[*cells])


def figure(name, caption="What it shows."):
    cell = new_code_cell("draw()")
    cell.metadata["mystnb"] = {"figure": {"name": name, "caption": caption}}
    return cell


def test_things_are_numbered_by_chapter_and_kind_in_the_order_of_the_page():
    cells = [
        figure("fig-a"),
        new_markdown_cell(
            "```{exercise} A\n:label: ex-a\n\nB\n```\n\n```{tip}\nNone.\n```\n\n"
            "````{prf:lemma}\n:label: lem-a\n\nC\n````\n\n(here)=\n## Here"
        ),
        new_code_cell("compute()"),
        figure("fig-b"),
        new_markdown_cell("```{exercise} D\n:label: ex-b\n\nE\n```"),
    ]
    assert dict(labels.labels(cells, 3)) == {
        "fig-a": "Fig. 3.1",
        "fig-b": "Fig. 3.2",
        "ex-a": "Exercise 3.1",
        "ex-b": "Exercise 3.2",
        "lem-a": "Lemma 3.1",
        "here": "Here",
    }
    assert dict(labels.labels([figure("fig-c")], None)) == {"fig-c": "Fig. 1"}


def test_a_caption_and_the_literature_are_written_out():
    page = chapter(figure("fig-a", "After {cite}`pair`."), new_markdown_cell("A"))
    shown = plain.plain(page, "there", SMALL).cells
    assert [cell.cell_type for cell in shown] == ["code", *["markdown"] * 3]
    assert shown[1].source == "**Fig. 1.1.** After [Marr and Hildreth, 1980]."
    assert shown[3].source.startswith("## References\n\n- David Marr and E")


def test_the_first_page_lists_all_others():
    last = plain.plain(chapter(), "here", SMALL).cells[-1].source
    assert "- [This](here.ipynb)\n- [That: a result](there.ipynb)" in last


def test_a_copy_has_no_outputs_and_hides_what_the_page_hides():
    output = nbformat.v4.new_output("stream", text="1")
    shown = new_code_cell("1", outputs=[output], execution_count=1)
    hidden = new_code_cell("assert 1", metadata={"tags": ["remove-cell"]})
    first, second = plain.plain(chapter(shown, hidden), "there", SMALL).cells
    assert (first.outputs, first.execution_count) == ([], None)
    assert "jupyter" not in first.metadata
    assert second.metadata["jupyter"] == {"source_hidden": True}


# The copies of the book itself, for all readers and for students.
@cache
def whole():
    return labels.read(BOOK)


@cache
def for_all():
    return {page: plain.plain(c, page, whole()) for page, c in whole().pages.items()}


@cache
def for_students():
    return {
        page: plain.plain(student.unsolved(chapter), page, whole())
        for page, chapter in whole().pages.items()
    }


SETS = pytest.mark.parametrize(
    "written", [for_all, for_students], ids=["plain", "student"]
)
OF_MYST = re.compile(
    r"\{[\w:-]+\}`|^[`:~]{3,} *\{|^:{3,}|^\([\w-]+\)=|^:[\w-]+:|\.html(?!`)"
    r"|<div|<picture|^\$\$ *\(",
    re.MULTILINE,
)
NUMBER = (
    r"(?:Fig\.|Exercise|Definition|Lemma|Theorem|Proposition|Corollary) \d+\.\d+(?!\d)"
)


def prose(copy):
    """Join what a copy says, without code."""
    said = "\n\n".join(c.source for c in copy.cells if c.cell_type == "markdown")
    return re.sub(r"^```[^{]*?^```$", "", said, flags=re.DOTALL | re.MULTILINE)


def tokens(copy):
    for block in MarkdownIt().enable("table").parse(prose(copy)):
        yield from block.children or []


def headings(copy):
    lines = re.findall(r"^#+ (.*)$", prose(copy), re.MULTILINE)
    return {line.replace(" ", "-") for line in lines}


@SETS
def test_nothing_of_myst_is_left(written):
    found = {page: OF_MYST.findall(prose(copy)) for page, copy in written().items()}
    assert not any(found.values()), found


@SETS
def test_every_link_leads_somewhere(written):
    copies = written()
    count = 0
    for page, copy in copies.items():
        hrefs = [t.attrs["href"] for t in tokens(copy) if t.type == "link_open"]
        for href in hrefs:
            file, _, heading = href.partition("#")
            if heading:
                assert not file
                assert heading in headings(copy), (page, href)
            elif not href.startswith("https://"):
                assert file.endswith(".ipynb"), (page, href)
                assert file.removesuffix(".ipynb") in copies, (page, href)
        count += len(hrefs)
        assert "](" not in "".join(t.content for t in tokens(copy) if t.type == "text")
    assert count > 200


@SETS
def test_every_number_is_that_of_something_on_its_page(written):
    copies = written()
    stands = re.compile(rf"^(?:\*\*|### )({NUMBER})", re.MULTILINE)
    there = {page: set(stands.findall(prose(copy))) for page, copy in copies.items()}
    linked = re.compile(rf"\[({NUMBER})\]\(([\w-]+)\.ipynb\)")
    for page, copy in copies.items():
        text = prose(copy)
        for number, target in linked.findall(text):
            assert number in there[target], (page, number)
        mentioned = set(re.findall(NUMBER, linked.sub("", text)))
        assert mentioned <= there[page], (page, mentioned - there[page])
    assert sum(map(len, there.values())) > 200


def test_every_citation_is_in_the_list_of_references():
    cites = re.compile(r"\{cite(?::t)?\}`([^`]*)`")
    for page, copy in for_all().items():
        said = str(
            [[c.source, c.metadata.get("mystnb")] for c in whole().pages[page].cells]
        )
        keys = {key for found in cites.findall(said) for key in found.split(",")}
        text, _, listed = prose(copy).partition("## References\n")
        assert listed.count("\n- ") == len(keys), page
        for names, year in re.findall(
            r"[\[;] ?([A-Z][^\[\];]*), (\d{4})(?=[\];])", text
        ):
            first = re.split(" and | et al", names)[0]
            assert re.search(rf"^- .*{first}\b.*{year}", listed, re.M), (page, names)


def test_a_copy_runs_the_code_of_its_page():
    for page, copy in for_all().items():
        given, ours = (
            [(c.id, c.source) for c in notebook.cells if c.cell_type == "code"]
            for notebook in (whole().pages[page], copy)
        )
        assert given == ours, page
        nbformat.validate(copy)
        assert len({cell.id for cell in copy.cells}) == len(copy.cells), page


def test_a_folded_solution_folds_nothing_else():
    solutions = 0
    for page, copy in for_all().items():
        ids = [cell.id for cell in copy.cells if not cell.id.endswith("-caption")]
        is_heading = [cell.id for cell in copy.cells if cell.source.startswith("#")]
        source = whole().pages[page].cells
        starts = [n for n, c in enumerate(source) if "{solution-start}" in c.source]
        ends = [n for n, c in enumerate(source) if "{solution-end}" in c.source]
        for start, end in zip(starts, ends, strict=True):
            cell = copy.cells[[c.id for c in copy.cells].index(source[start].id)]
            assert cell.metadata["jp-MarkdownHeadingCollapsed"]
            at = ids.index(cell.id)
            inside = [c.id for c in source[start + 1 : end]]
            assert ids[at + 1 : at + 1 + len(inside)] == inside
            assert not set(inside) & set(is_heading)
            assert ids[at + 1 + len(inside)] in is_heading
        solutions += len(starts)
    assert solutions > 80


def test_the_command_writes_every_page_and_the_pictures(tmp_path, capsys):
    plain.main(tmp_path)
    assert capsys.readouterr().out == f"{tmp_path}\n"
    contents = yaml.safe_load((BOOK / "_toc.yml").read_text("utf-8"))
    listed = {c["file"] for part in contents["parts"] for c in part["chapters"]}
    written = {path.stem for path in tmp_path.glob("*.ipynb")}
    assert written == {contents["root"], *listed} - {"api", "bibliography", "genindex"}
    first = nbformat.read(tmp_path / f"{contents['root']}.ipynb", as_version=4)
    pictures = re.findall(r'src="([^"]*)"', prose(first))
    assert pictures
    assert all((tmp_path / picture).stat().st_size for picture in pictures)


def test_the_workflow_makes_the_copies_a_branch(tmp_path):
    jobs = yaml.safe_load((ROOT / ".github/workflows/publish.yml").read_text("utf-8"))
    *_, made, pushed = (step.get("run") for step in jobs["jobs"]["notebooks"]["steps"])
    assert made == "make notebooks"
    shared, clone = tmp_path / "shared.git", tmp_path / "clone"

    def git(*command, at=clone):
        done = subprocess.run(
            ["git", *command], cwd=at, check=True, capture_output=True, text=True
        )
        return done.stdout.split()

    git("init", "--quiet", "--bare", str(shared), at=tmp_path)
    git("clone", "--quiet", str(shared), str(clone), at=tmp_path)
    (clone / "code.py").write_text("1")
    (clone / ".gitignore").write_text("book/_build/\n")
    git("add", ".")
    git("-c", "user.name=a", "-c", "user.email=a", "commit", "--quiet", "-m", "code")
    copies = clone / "book/_build/notebooks"
    (copies / "_static").mkdir(parents=True)
    for name in ("one.ipynb", "_static/a.png"):
        (copies / name).write_text("2")
    for _ in range(2):
        head = git("rev-parse", "HEAD")
        run = ["bash", "-e", "-c", pushed]
        env = {
            "PATH": "/usr/bin:/bin",
            "GITHUB_REF_NAME": "v1.2.3",
            "HOME": str(tmp_path),
        }
        subprocess.run(run, cwd=clone, check=True, env=env, capture_output=True)
        files = git("ls-tree", "-r", "--name-only", "notebooks", at=shared)
        assert sorted(files) == ["_static/a.png", "one.ipynb"]
        assert git("log", "--format=%s", "notebooks", at=shared) == ["v1.2.3"]
        git("checkout", "--quiet", "--detach", "--force", *head)
        git("branch", "-D", "notebooks")
