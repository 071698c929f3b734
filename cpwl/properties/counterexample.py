"""Inputs that refute a property: rational ones, proved so in exact arithmetic, and float32 ones that a run shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import backends
from ..errors import ShapeError
from ..network.network import Network
from ..numbers.float_formats import FORMATS
from ..runtime.ieee import ieee
from .cases import Case
from .problem import Problem
from .search import margins

Run = Callable[[NDArray[np.float32]], Any]
"""What computes outputs (M, *shape) of float32 inputs (M, *shape) as they are computed where the network is used."""

_AROUND = 64
"""float32 inputs that are tried at each distance from a point."""
_DISTANCES = 25
"""From the whole box down, each half of the one before."""
_TRIED = 16
"""Of all those that have the largest margins."""


@ieee
@dataclass(frozen=True, eq=False)
class Counterexample:
    """An input that refutes a property, proved so in exact arithmetic."""

    x: NDArray[Any]
    """The input, Fractions of the input's shape."""
    y: NDArray[Any]
    """The network's outputs there, exactly: Fractions of the output's shape."""
    float32: NDArray[np.float32] | None
    """An input of float32 numbers that refutes it in exact arithmetic and in the run; then ``x`` is that input. None
    where none was found: there may be none."""
    run: NDArray[np.float32] | None
    """The outputs that the run gave for it."""

    def __repr__(self) -> str:
        shown = ", ".join(f"{float(a):.6g}" for a in self.x.ravel()[:6])
        more = ", ..." if self.x.size > 6 else ""
        kind = "rational" if self.float32 is None else "float32"
        return f"<Counterexample: {kind} input ({shown}{more}), confirmed exactly>"


def counterexample(problem: Problem, u: Sequence[Any], run: Run | None) -> Counterexample:
    """That of an unsafe point with slice coordinates u, and of a float32 input near it if there is one."""
    x = problem.to_input(u)
    execute = own_run(problem.original) if run is None else run
    for candidate in _near(problem, np.array([float(a) for a in u])):
        single = candidate.astype(np.float32).reshape(problem.original.input_shape)
        exact = list(map(Fraction, candidate.tolist()))
        outputs = problem.exact_outputs(exact)
        if problem.case.is_unsafe(exact, outputs):
            ran = _executed(execute, single, problem.original)
            if np.isfinite(ran).all() and problem.case.is_unsafe(exact, list(map(Fraction, ran.ravel().tolist()))):
                return _made(problem.original, exact, outputs, single, ran)
    return _made(problem.original, x, problem.exact_outputs(x), None, None)


def own_run(net: Network) -> Run:
    """The network run in float32 by the library, each operator rounded."""
    execution = backends.get("torch").execution("float32")

    def execute(inputs: NDArray[np.float32]) -> Any:
        *_, (_, outputs) = execution.run(net, inputs.reshape(len(inputs), -1).astype(np.float64))
        return outputs.astype(np.float32).reshape(len(inputs), *net.output_shape)

    return execute


def _executed(run: Run, x: NDArray[np.float32], net: Network) -> NDArray[np.float32]:
    """The outputs of the run for one input, of the network's shape."""
    outputs = np.asarray(run(x[None]), np.float32)
    if outputs.size != net.outputs:
        raise ShapeError(f"run must give outputs of shape (M, *{net.output_shape}), got {outputs.shape} for one input.")
    return outputs.reshape(net.output_shape)


def _made(
    net: Network, x: list[Fraction], y: list[Fraction], single: NDArray[np.float32] | None, ran: Any
) -> Counterexample:
    shapes = ((x, net.input_shape), (y, net.output_shape))
    exact = [np.array(values, dtype=object).reshape(shape) for values, shape in shapes]
    return Counterexample(exact[0], exact[1], single, ran)


# ---- float32 numbers -----------------------------------------------------------------------------------------------
def _near(problem: Problem, u: NDArray[np.float64]) -> NDArray[np.float64]:
    """float32 inputs of the box, (n, inputs): the one that is nearest to a point, then those of the largest margins
    among some around it."""
    ends = _single(problem.case)
    if ends is None:
        return np.zeros((0, problem.original.inputs))
    random = np.random.default_rng(0)
    widths = np.repeat(0.5 ** np.arange(_DISTANCES), _AROUND)[:, None] * (problem.upper - problem.lower)
    around = np.clip(u + widths * random.uniform(-0.5, 0.5, widths.shape), problem.lower, problem.upper)
    inputs = _rounded(problem, np.concatenate([u[None], around]), *ends)
    if problem.is_trivial:
        return inputs[:1]
    heights = margins(problem, _slice_coordinates(problem, inputs))
    order = np.concatenate([[0], 1 + np.argsort(-heights[1:], kind="stable")[:_TRIED]])
    return np.asarray(inputs[order], np.float64)


def _single(case: Case) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """The least and the largest float32 number in the range of each input; None where there is none."""
    form = FORMATS["float32"]
    low = [form.number(form.rank_above(a)) for a in case.lower]
    high = [form.number(form.rank_below(a)) for a in case.upper]
    largest = Fraction(float(np.finfo(np.float32).max))
    if any(a > b or abs(a) > largest or abs(b) > largest for a, b in zip(low, high, strict=True)):
        return None
    return np.array(list(map(float, low))), np.array(list(map(float, high)))


def _rounded(
    problem: Problem, points: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The inputs at slice coordinates (n, D), rounded to float32 numbers of the box."""
    constants, factors = ([float(a) for a in part] for part in problem.embedding)
    inputs = np.tile(np.array(constants), (len(points), 1))
    varying = list(problem.varying)
    inputs[:, varying] += points * np.array(factors)[varying]
    return np.asarray(np.clip(inputs.astype(np.float32).astype(np.float64), low, high), np.float64)


def _slice_coordinates(problem: Problem, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slice coordinates (n, D) of inputs, nearly."""
    constants, factors = (np.array([float(a) for a in part]) for part in problem.embedding)
    varying = list(problem.varying)
    return np.asarray((inputs[:, varying] - constants[varying]) / factors[varying])
