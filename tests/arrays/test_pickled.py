"""What is sent compactly comes back bit for bit."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from cpwl.arrays.pickled import Compact, compacted, restored
from cpwl.backends.torch.portable import Portable

WIDTHS = st.sampled_from([1, 7, 8, 15, 16, 31, 32, 63]).flatmap(lambda bits: st.integers(-(2**bits), 2**bits - 1))
INTEGERS = arrays(np.int64, array_shapes(max_dims=2, max_side=6), elements=WIDTHS)
FLOATS = arrays(
    np.float64, array_shapes(max_dims=2, max_side=6), elements=st.sampled_from([0.0, -0.0, np.nan, np.inf, 1e-310, 0.1])
)


@given(INTEGERS | FLOATS | arrays(np.bool_, 5) | arrays(np.uint8, (2, 3)))
def test_an_array_comes_back_bit_for_bit(values: NDArray[Any]) -> None:
    for given_ in (values, values.T, values[::2]):
        back = restored(pickle.loads(pickle.dumps(compacted(given_))))
        assert back.dtype == given_.dtype and back.shape == given_.shape
        assert back.tobytes() == given_.tobytes() and back.flags.writeable


@pytest.mark.parametrize(("top", "size"), [(127, 1), (128, 2), (2**15, 4), (2**31, 8)])
def test_whole_numbers_take_no_more_bytes_than_they_need(top: int, size: int) -> None:
    values = np.resize(np.array([top, -3]), 4096)
    assert len(pickle.dumps(compacted(values))) < 4096 * size + 500


def test_what_repeats_is_sent_once() -> None:
    for value in (2**40, 0.1, -0.0):
        assert len(pickle.dumps(compacted(np.full((64, 64), value)))) < 500
    assert np.signbit(restored(compacted(np.full(9, -0.0)))).all()


@dataclass(frozen=True, eq=False)
class _Both(Compact):
    values: NDArray[Any]
    name: str


@dataclass(frozen=True, eq=False)
class _Tensors(Portable):
    index: torch.Tensor
    flags: torch.Tensor


def test_dataclasses_are_sent_so() -> None:
    both = pickle.loads(pickle.dumps(_Both(np.arange(5), "five")))
    assert both.name == "five" and both.values.dtype == np.int64 and both.values.tolist() == [0, 1, 2, 3, 4]
    tensors = pickle.loads(pickle.dumps(_Tensors(torch.arange(300), torch.tensor([True, False]))))
    assert tensors.index.dtype == torch.int64 and torch.equal(tensors.index, torch.arange(300))
    assert torch.equal(tensors.flags, torch.tensor([True, False]))
