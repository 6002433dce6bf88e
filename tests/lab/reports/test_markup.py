"""A table as HTML: narrow ones plain, wide ones ready to become cards."""

from xml.etree import ElementTree

import pytest

from gradmask.lab.reports.markup import markup, table

LONG = "a simpler method does as well"


def test_a_table_shows_text_as_it_is():
    text = table(["a < b", "c"], [["1 & 2", "3"]]).data
    assert '<th scope="col">a &lt; b</th>' in text
    assert "<tr><td>1 &amp; 2</td><td>3</td></tr>" in text
    with pytest.raises(ValueError, match="2 cells"):
        table(["a", "b"], [["1"]])


def test_every_cell_of_a_wide_table_has_its_title_and_every_part_its_role():
    header = ["mask", 'the "best"', "x & y", "verdict"]
    root = ElementTree.fromstring(table(header, [[LONG] * 4] * 2).data)
    assert root.get("class") == "table cards"
    cells = root.findall("tbody/tr/td")
    assert [cell.get("data-label") for cell in cells] == header * 2
    roles = {tag: {e.get("role") for e in root.iter(tag)} for tag in ("tr", "th", "td")}
    assert roles == {"tr": {"row"}, "th": {"columnheader"}, "td": {"cell"}}
    assert {part.get("role") for part in root} == {"rowgroup"}
    assert root.get("role") == "table"


@pytest.mark.parametrize(
    ("columns", "cell", "wide"),
    [
        (3, LONG, False),
        (4, LONG, True),
        (6, "0.5", False),
        (4, f"<strong class='{LONG}'>&minus;0.5</strong>", False),
    ],
)
def test_wide_is_what_has_many_columns_of_much_text(columns, cell, wide):
    text = markup(["title"] * columns, [["short"] * columns, [cell] * columns]).data
    assert ("cards" in text) == wide
    assert ("role" in text) == wide


def test_a_table_without_rows_is_not_wide():
    assert "cards" not in table(["title"] * 9, []).data
