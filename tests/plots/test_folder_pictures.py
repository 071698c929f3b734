"""Pictures of folders: each pixel has the colour of the region in its middle, and no more than a part is held."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cpwl
from cpwl.errors import ArgumentError, FileFormatError, UnsupportedDimensionError
from cpwl.plots import plot_folder
from cpwl.tiling.blocks import Blocks
from tests.support.command_line import answer
from tests.support.command_line import cpwl as command
from tests.support.networks import mlp

SQUARE = cpwl.Domain.box([-1, -1], [1, 1])
NET = mlp(3, [2, 24, 24, 4])


@contextmanager
def small_blocks() -> Iterator[None]:
    """Blocks of 50 vertices, so that there are several parts."""
    sizes = Blocks(1 << 10, 1 << 62, 1 << 62, most_rows=50)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Blocks, "within", classmethod(lambda cls, memory, regions=None: sizes))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "regions"
    with small_blocks():
        assert cpwl.write_partition(NET, SQUARE, path).parts > 1
    return path


def middles(side: int) -> np.ndarray[Any, Any]:
    """The middles of the pixels, row by row from above, (side * side, 2)."""
    ticks = (2 * np.arange(side) + 1) / side - 1
    return np.stack(np.meshgrid(ticks, -ticks), axis=-1).reshape(-1, 2)


@pytest.mark.parametrize("color", ["slope", "area", "class"])
def test_a_pixel_has_the_number_of_the_region_in_its_middle(color: str, folder: Path) -> None:
    side = 150
    axes = plot_folder(folder, color=color, pixels=side)  # type: ignore[arg-type]
    picture = np.asarray(axes.images[0].get_array())[::-1].ravel()
    part = cpwl.partition(NET, SQUARE)
    if color == "class":
        classes = cpwl.evaluate(NET, middles(side)).argmax(axis=1)
        assert np.isin(picture, [-1, *range(4)]).all() and 0 < (picture < 0).mean() < 0.5
        assert (picture[picture >= 0] == classes[picture >= 0]).all()
        return
    values = np.asarray(part.volumes()) if color == "area" else np.linalg.norm(part.jacobians(), axis=(1, 2))
    np.testing.assert_allclose(picture, values[part.locate(middles(side))], rtol=1e-5)


def test_regions_smaller_than_a_pixel_leave_no_hole(folder: Path) -> None:
    picture = np.asarray(plot_folder(folder, pixels=16).images[0].get_array())
    assert picture.shape == (16, 16) and np.isfinite(picture).all()


def test_a_folder_on_the_command_line(folder: Path, tmp_path: Path) -> None:
    answer("plot", folder, "--out", tmp_path / "picture.png", "--color", "class")
    assert (tmp_path / "picture.png").stat().st_size > 10_000
    refused = command("plot", folder, "--out", tmp_path / "picture.png", "--color", "output")
    assert refused.exit_code == 2 and "slope, area or class" in refused.stderr


def test_what_is_no_such_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="no folder"):
        plot_folder(tmp_path)
    with pytest.raises(ArgumentError, match="color"):
        plot_folder(folder, color="pattern")  # type: ignore[arg-type]
    cpwl.write_partition(mlp(0, [3, 4, 1]), cpwl.Domain.box([-1] * 3, [1] * 3), tmp_path / "solid")
    with pytest.raises(UnsupportedDimensionError):
        plot_folder(tmp_path / "solid")
    cpwl.write_partition(mlp(0, [2, 4, 1]), SQUARE, tmp_path / "scalar")
    with pytest.raises(ArgumentError, match="one class"):
        plot_folder(tmp_path / "scalar", color="class")


def test_a_folder_that_is_not_finished_says_so(tmp_path: Path) -> None:
    with small_blocks():
        written = cpwl.write_partition(NET, SQUARE, tmp_path / "part", max_regions=200)
    assert not written.complete
    assert "INCOMPLETE" in plot_folder(tmp_path / "part", pixels=100).get_title()
