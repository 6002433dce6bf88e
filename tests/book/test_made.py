"""Under a figure stand the records that it is drawn from, and no others."""

import base64
import json
from io import BytesIO

import made
import pytest
from PIL import Image
from support.small_book import build, markdown

CONF = """
import made

made.RECORDS = __import__("pathlib").Path({records!r})
extensions = ["myst_nb", "made"]
nb_execution_mode = "off"
root_doc = "chapter"
"""


@pytest.fixture
def records(tmp_path, monkeypatch):
    """Keep two records, one of an hour and one of a GPU."""
    folder = tmp_path / "records"
    folder.mkdir()
    for name, profile, seconds in (("one", "laptop", 600), ("two", "gpu", 6_000)):
        runs = [{"seconds": seconds}] * 2
        record = {"profile": profile, "runs": runs}
        (folder / f"{name}.json").write_text(json.dumps(record))
    monkeypatch.setattr(made, "RECORDS", folder)
    return folder


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("draw(1)", set()),
        ("draw(load('one'))", {"one"}),
        ("draw('one')", set()),
        ("draw([load(name) for name in ('one', 'two')])", {"one", "two"}),
        ("draw([load(name) for name in ('one', 'three')])", {"one"}),
        ("a = load('one').rows\nb = a\ndraw(b)", {"one"}),
        ("a = load('one')\na = 1", {"one"}),
        ("if 1:\n    %matplotlib inline\nload('two')", {"two"}),
    ],
)
def test_a_cell_stands_on_what_it_loads(source, expected, records):
    assert list(made.records([source])) == [expected]


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["a = load('one')", "draw(a)"], {"one"}),
        (["a = load('one')", "a = 1", "draw(a)"], set()),
        (["a = load('one')", "a = [x for x in a]", "draw(a)"], {"one"}),
        (["a = load('one')", "b = load('two')", "a += b", "draw(a)"], {"one", "two"}),
        (["a = load('one')", "for b in 1, 2:\n    a += b", "draw(a)"], {"one"}),
        (["a = {}", "a[1] = load('one')", "draw(a)"], {"one"}),
        (["a = load('one')", "def f():\n    return a", "draw(f())"], {"one"}),
        (["a = load('one')", "def f(a):\n    return a", "draw(f(1))"], set()),
        (["a = load('one')", "draw([a for a in (1, 2)])"], set()),
        (["a = load('one')", "for a in (1, 2):\n    draw(a)"], set()),
        (["for a in load('one'):\n    b = a", "draw(b)"], {"one"}),
    ],
)
def test_a_cell_stands_on_what_its_names_stand_on(sources, expected, records):
    *_, last = made.records(sources)
    assert last == expected


def test_commands_say_their_profile_and_time(records):
    run = "python -m gradmask.lab run"
    assert made.command("one") == f"<code>{run} one</code> (20 minutes)"
    assert made.command("two") == f"<code>{run} two --profile gpu</code> (3 hours)"


def test_a_figure_is_followed_by_its_commands_and_text_is_not(tmp_path, records):
    file = BytesIO()
    Image.new("L", (1, 1)).save(file, "PNG")
    dot = base64.b64encode(file.getvalue()).decode()

    def cell(source, figure, **data):
        output = {"output_type": "display_data", "metadata": {}, "data": data}
        metadata = {"mystnb": {"figure": {"caption": "drawn"}}} if figure else {}
        code = {"cell_type": "code", "execution_count": 1, "source": source}
        return code | {"metadata": metadata, "outputs": [output]}

    cells = [
        markdown("# Title"),
        cell("rows = load('one')\nrows", False, **{"text/plain": "rows"}),
        cell("draw(rows)", True, **{"image/png": dot}),
        cell("draw(1)", True, **{"image/png": dot}),
    ]
    page = build(tmp_path, CONF.format(records=str(records)), cells) / "chapter.html"
    said = page.read_text("utf-8")
    assert said.count("Make this figure yourself") == 1
    assert said.index("lab run one") > said.index("<figure")
