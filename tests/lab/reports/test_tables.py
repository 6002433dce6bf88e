"""Tables show what the statistics give."""

from gradmask.lab.reports.tables import attack_table


def test_the_table_of_attacks_counts_what_passed():
    rows = [
        {"variant": "plain", "epochs": e, "white_box": w, "auto attack": a, "passed": p}
        for e, w, a, p in [
            (2, 0.2, 0.1, True),
            (2, 0.4, 0.1, False),
            (3, 0.1, 0.1, True),
        ]
        for _ in range(2)
    ]
    text = attack_table(rows).data
    assert "plain, 2 epochs" in text
    assert "plain, 3 epochs" in text
    assert "<td>2 of 4</td>" in text
    assert "<td>2 of 2</td>" in text
    assert "<td>10.0 [10.0, 10.0]</td>" in text
