"""What a page lacks is among its complaints: the other tests rely on them."""

import pytest


@pytest.mark.parametrize(
    ("html", "complaint"),
    [
        ("<img src=absent.png>", "absent.png net::ERR_FILE_NOT_FOUND"),
        ("<img src=http://localhost/a.png>", "http://localhost/a.png is not local"),
        ("<script>undefined.name</script>", "Cannot read properties of undefined"),
        ("<script>console.error('lost')</script>", "lost"),
    ],
)
def test_what_a_page_lacks_is_a_complaint(visit, tmp_path, html, complaint):
    path = tmp_path / "page.html"
    path.write_text(f"<!doctype html><title>A page</title>{html}", "utf-8")
    assert any(complaint in said for said in visit(path).complaints)
