"""Inputs for the laws of conformance.py: float64 numbers, degenerate on purpose."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from cpwl.geometry.polytope import Polytope
from cpwl.network import Network

Functions = NDArray[np.float64]
"""Rows (p, q, r): the function p u_1 + q u_2 + r; float64 (K, 3)."""

SQUARE = Polytope.box([-1.0, -1.0], [1.0, 1.0])
SLIVER = 2.0**-40
DOMAINS = (
    SQUARE,
    Polytope.polygon([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]),
    Polytope.polygon([[-1.0, -0.5], [0.5, -1.0], [1.5, 0.25], [1.0, 1.0], [-0.75, 0.875]]),
)

small = st.integers(-2, 2).map(float)
generic = st.integers(-255, 255).map(lambda k: k / 64)
lines = st.tuples(small, small, small) | st.tuples(generic, generic, generic)
"""Small integers: parallel, repeated, concurrent, zero, through corners and along sides all the time."""


@st.composite
def degenerate(draw: Callable[[Any], Any], most: int = 6) -> Functions:
    """Affine functions with relatives among them: repeated, scaled, negated, shifted by a sliver, sums of two."""
    table = draw(st.lists(lines, min_size=1, max_size=most))
    relatives = {
        "repeated": lambda f, g: f,
        "scaled": lambda f, g: tuple(3 * x for x in f),
        "negated": lambda f, g: tuple(-x for x in f),
        "shifted": lambda f, g: (f[0], f[1], f[2] + SLIVER),
        "concurrent": lambda f, g: tuple(x + y for x, y in zip(f, g)),
        "zero": lambda f, g: (0.0, 0.0, 0.0),
    }
    for kind in draw(st.lists(st.sampled_from(sorted(relatives)), max_size=2)):
        f, g = draw(st.sampled_from(table)), draw(st.sampled_from(table))
        table.append(relatives[kind](f, g))
    return np.array(draw(st.permutations(table)), np.float64)


@st.composite
def small_networks(draw: Callable[[Any], Any]) -> Network:
    """ReLU networks with small-integer weights, dead and repeated units: nearly everything in them is degenerate."""
    widths = [2, *draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)), 1]
    weights, biases = [], []
    for fan_in, fan_out in pairwise(widths):
        rows = st.lists(small, min_size=fan_in, max_size=fan_in)
        weights.append(np.array(draw(st.lists(rows, min_size=fan_out, max_size=fan_out))))
        biases.append(np.array(draw(st.lists(small, min_size=fan_out, max_size=fan_out))) / 2)
    return Network.mlp(weights, biases)
