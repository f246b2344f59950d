"""Cells of downloads are text, whatever a spreadsheet would like to make of them."""

import csv

import pytest

from evosense.core.exports import csv_lines


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_of_a_download_is_a_formula(first) -> None:
    hostile = f'{first}HYPERLINK("https://evil.example","x")'
    text = "".join(csv_lines(["name"], [[hostile], ["plain"]]))
    rows = list(csv.reader(text.lstrip("\ufeff").splitlines(keepends=True)))
    assert rows[1][0][0] == "'"
    assert rows[1][0][1:] == hostile
    assert rows[2] == ["plain"]
