"""An .nnet file is the network that its format says, exactly, and a bad file is a named error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import cpwl
from cpwl.compiler import nnet
from cpwl.errors import ArgumentError, FileFormatError
from tests.support.nnet_file import TEXT
from tests.support.onnx_models import values


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def written(text: str) -> Path:
        path = tmp_path / "model.nnet"
        path.write_text(text)
        return path

    return written


def original(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The network of TEXT as the format's documentation evaluates it."""
    x = (np.clip(x, [-1.5, -100.0], [2.0, 200.0]) - [0.25, 50.0]) / [3.0, 300.0]
    hidden = np.maximum(np.array([[1.0, -2.0], [0.5, 0.25], [-1.0, 0.1]]) @ x + [0.5, -0.25, 0.0], 0)
    return (np.array([[1.0, -1.0, 3.0]]) @ hidden + 0.125) * 7.0 + 10.0


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> cpwl.Network:
    path = tmp_path_factory.mktemp("nnet") / "model.nnet"
    path.write_text(TEXT)
    return cpwl.compile(path)


@given(st.floats(-5, 5), st.floats(-500, 500))
def test_the_network_is_that_of_the_format(network: cpwl.Network, first: float, second: float) -> None:
    x = np.array([first, second])
    assert np.allclose(values(network, x), original(x), rtol=1e-12, atol=1e-12)


def test_inputs_are_clipped_and_normalised_exactly(network: cpwl.Network) -> None:
    """A range of 3 divides; it is no factor of a rounded third."""
    assert [n.op.divisor.tolist() for n in network.nodes if isinstance(n.op, cpwl.network.Divide)] == [[3.0, 300.0]]
    assert np.array_equal(values(network, np.array([9.0, 999.0])), values(network, np.array([2.0, 200.0])))


def test_one_pair_of_bounds_for_all_inputs_is_one_unit_an_input(write: Callable[[str], Path]) -> None:
    text = TEXT.replace("-1.5,-100.0", "-2,-2").replace("2.0,200.0", "2,2")
    assert cpwl.compile(write(text)).units == 2 + 3


def test_numbers_are_the_nearest_of_float64(network: cpwl.Network) -> None:
    weights = [n.op.weight for n in network.nodes if isinstance(n.op, cpwl.network.Dense)]
    assert weights[0][2, 1] == 0.1


DAMAGED: dict[str, tuple[str, str]] = {
    "nothing": ("", "ends before its sizes"),
    "another text": ("hello\n", "sizes must be numbers with commas, got 'hello'"),
    "fewer layers": (TEXT.replace("2,2,1,3,", "1,2,1,3,"), "layers have the sizes"),
    "no layers": (TEXT.replace("2,2,1,3,", "0,2,1,3,"), "speaks of 0 layers"),
    "layers that are too large": (TEXT.replace("2,3,1,", "2,2000000000,1,"), "in a line|ends before"),
    "sizes beyond all bounds": (TEXT.replace("2,2,1,3,", "2,1e300,1,3"), "sizes must be finite"),
    "a negative size": (TEXT.replace("2,3,1,", "2,-3,1,"), "sizes"),
    "too few maxima": (TEXT.replace("2.0,200.0", "2.0"), "needs 2 maxima in a line, got 1"),
    "a range of zero": (TEXT.replace("3.0,300.0,7.0", "3.0,0,7.0"), "a range is zero"),
    "minima above maxima": (TEXT.replace("2.0,200.0", "-2.0,200.0"), "minima exceed"),
    "a weight that is none": (TEXT.replace("0.5,0.25", "0.5,x"), "weights must be numbers"),
    "an infinite weight": (TEXT.replace("0.5,0.25", "0.5,inf"), "weights must be finite"),
    "a weight too many": (TEXT.replace("0.5,0.25", "0.5,0.25,1"), "needs 2 weights"),
    "an early end": (TEXT.rsplit("\n", 2)[0], "ends before its biases"),
    "a late end": (TEXT + "1.0,\n", "goes on after the last layer"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_named(name: str, write: Callable[[str], Path]) -> None:
    text, message = DAMAGED[name]
    with pytest.raises(FileFormatError, match=rf"model\.nnet is not an \.nnet file that cpwl can read: .*({message})"):
        cpwl.compile(write(text))


def test_every_truncated_file_is_named(write: Callable[[str], Path]) -> None:
    for length in range(len(TEXT) - len("0.125,\n")):
        with pytest.raises(FileFormatError):
            cpwl.compile(write(TEXT[:length]))


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "model.nnet").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileFormatError, match="no plain text"):
        cpwl.compile(tmp_path / "model.nnet")


def test_a_file_that_is_too_large_is_not_read(write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nnet, "LARGEST_FILE", 10)
    with pytest.raises(FileFormatError, match="1 GiB"):
        cpwl.compile(write(TEXT))


def test_a_missing_file_is_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        cpwl.compile(tmp_path / "model.nnet")


def test_until_and_an_example_are_refused(write: Callable[[str], Path]) -> None:
    with pytest.raises(ArgumentError, match="must be left out"):
        cpwl.compile(write(TEXT), until="layer 1")
