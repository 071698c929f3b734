"""Numbers in text files: which columns are read, and what a comment is."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import pytest

from cpwl.cli.files import read_numbers


def written(folder: Path, text: str) -> Path:
    (folder / "some.csv").write_text(text, encoding="utf-8")
    return folder / "some.csv"


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("1,2\n3,4\n", [[1, 2], [3, 4]]),
        ("1 2 # a point\n\n3 4\n", [[1, 2], [3, 4]]),
        ("# x0,x1,label\n1,2,7\n", [[1, 2, 7]]),
        ("# x0,x1\n1,2\n", [[1, 2]]),
        ("u0,x1,x0\n9,2,1\n", [[1, 2]]),
        ("# points\nx0,x1,label\n1,2,7\n", [[1, 2]]),
    ],
)
def test_columns_of_inputs_are_read_by_their_names_and_comments_are_none(
    text: str, rows: list[list[float]], tmp_path: Path
) -> None:
    assert read_numbers(written(tmp_path, text)).tolist() == rows


def test_what_numpy_writes_is_read(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "some.csv", [[0.1, 0.2, 7]], header="x0,x1,label", delimiter=",")
    assert read_numbers(tmp_path / "some.csv").tolist() == [[0.1, 0.2, 7.0]]


@pytest.mark.parametrize("header", ["u0,x0,x2", "x1,x2,y", "x0,x0,y", "x0,x00,y"])
def test_columns_of_inputs_are_all_there_and_each_once(header: str, tmp_path: Path) -> None:
    with pytest.raises(click.BadParameter, match="must be x0, x1"):
        read_numbers(written(tmp_path, f"{header}\n1,2,3\n"))


@pytest.mark.parametrize("text", ["", "# nothing\n", "x0,x1\n", "1,2\n3\n", "a,b\n1,2\n"])
def test_a_text_without_numbers_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(click.BadParameter, match="holds no array of numbers"):
        read_numbers(written(tmp_path, text))
