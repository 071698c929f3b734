"""A partition is a collection of regions; its files and tables are what people expect of such."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pyarrow.parquet
import pytest

import cpwl
from cpwl.errors import ArgumentError
from tests.support.networks import mlp

SQUARE = cpwl.Domain.box([-1, -1], [1, 1])
NET = mlp(0, [2, 9, 6, 4])
PART = cpwl.partition(NET, SQUARE)


def test_indices_slices_and_iteration_give_the_regions() -> None:
    assert [region.index for region in PART] == list(range(len(PART))) and len(PART) > 20
    assert PART[3].index == 3 and PART[np.int64(3)].index == 3 and PART[-1].index == len(PART) - 1
    assert [region.index for region in PART[2:9:3]] == [2, 5, 8] and [region.index for region in PART[-2:]] == [
        len(PART) - 2,
        len(PART) - 1,
    ]
    assert (PART[3].vertices == PART.region(3).vertices).all() and PART[5:5] == ()
    assert sum(region.volume for region in PART) == pytest.approx(4.0)


@pytest.mark.parametrize("index", [len(PART), -len(PART) - 1, 1.5, "a", None])
def test_an_index_that_is_none_is_an_index_error(index: object) -> None:
    with pytest.raises(IndexError, match=r"index must be .* got") as caught:
        PART[index]  # type: ignore[call-overload]
    assert isinstance(caught.value, ArgumentError)


@pytest.mark.parametrize(
    ("name", "written"), [("foo", "foo.npz"), ("foo.npz", "foo.npz"), ("a.b", "a.b.npz"), ("x.NPZ", "x.NPZ")]
)
def test_a_name_without_the_ending_is_given_it_and_found_by_it(name: str, written: str, tmp_path: Path) -> None:
    assert PART.save(tmp_path / name) == tmp_path / written
    assert [item.name for item in tmp_path.iterdir()] == [written]
    assert len(cpwl.load(tmp_path / name)) == len(cpwl.load(tmp_path / written)) == len(PART)


def test_a_file_that_is_not_there_is_named_as_it_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing'"):
        cpwl.load(tmp_path / "nothing")


@pytest.mark.parametrize("maps", [True, False])
def test_a_folder_has_the_measures_of_each_region_as_columns(maps: bool, tmp_path: Path) -> None:
    cpwl.write_partition(NET, SQUARE, tmp_path / "regions", maps=maps)
    table = pandas.read_parquet(tmp_path / "regions").set_index("region").sort_index()
    wanted = PART.statistics()
    for name, values in {"slope": wanted.slopes, "eccentricity": wanted.eccentricities, "area": wanted.areas}.items():
        assert np.allclose(np.sort(table[name]), np.sort(values), rtol=1e-9), name


def test_classes_are_whole_numbers_or_missing(tmp_path: Path) -> None:
    cpwl.write_partition(NET, SQUARE, tmp_path / "regions")
    (file, *_) = sorted((tmp_path / "regions").glob("*.parquet"))
    for read in (pandas.read_parquet(file), pyarrow.parquet.read_table(file).to_pandas()):
        assert str(read["class"].dtype) == "Int64"
        assert read["class"].isna().any() and set(read["class"].dropna()) <= {0, 1, 2, 3}
