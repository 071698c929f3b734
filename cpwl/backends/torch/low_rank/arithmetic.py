"""Network operators on low-rank fields: each row a combination of a few (proofs/, Lemma 11)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from math import ceil, log2
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....fields.arithmetic import embedding
from ....fields.spans import Ranges
from ....fields.value_numbers import ValueNumbering, apart, of_either
from ....geometry.arrangement import Refinement
from ....geometry.domain import Domain
from ....network.network import Network, Node, table
from ....network.operators import Dense, Gather, Periodic, Piecewise, Sum
from ....runtime.budget import checkpoint
from ..fields.field import ROUND_UP, UNIT, FloatField, gamma, lifted, row_norms
from ..fields.norms import largest
from ..long_numbers.arithmetic import ExtendedArithmetic, ExtendedField, masked
from .field import Bending, LowRankField, Making, Recipe, aligned

_LARGEST = 2.0**60
"""Digits are multiples of 2^-400 and more: where one operator reaches so far, several might leave that behind."""

_WIDE = 1 << 11
"""Entries of a node that are so many that combinations of rows are worth their calls."""

_ENTRIES = 1 << 21
"""Rows times widest node that go through the network at once."""

_FEWEST, _MOST = 2, 6
"""Parts of a number in a generator; the constant has more, and Lemma 10 allows for eight."""

_MORE = 2
"""Parts that the constant row has more: its errors are errors of values, others are multiplied by coefficients."""

_ENOUGH = 2.0**-12
"""A generator's bound of this share of its values will do; above it, more parts are taken."""

_FIRST_NUMBER = 1 << 40
"""Of those (``ValueNumbering``) that maxima get: above all others."""

_MANY = 1 / 4
"""Of the entries of the widest node: where so many units bend, rows of vertices cost less than what spans them."""

_DIFFERENCE = Sum((1.0, -1.0))


def serves(network: Network, domain: Domain) -> bool:
    """Whether the fields of a network on a domain are to be of low rank."""
    if domain.dim != 2 or max(node.size for node in network.nodes) < _WIDE:
        return False
    distinct = len({id(node) for node in network.nodes}) == len(network.nodes)
    periodic = any(isinstance(node.op, Periodic) for node in network.nodes)
    return distinct and not periodic and all(_in_range(number) for number in _numbers(network, domain))


def _numbers(network: Network, domain: Domain) -> Iterator[NDArray[np.float64]]:
    """What a network and a domain multiply by."""
    yield from (domain.basis, domain.origin)
    for node in network.nodes:
        yield from (getattr(node.op, name) for name in ("weight", "factor", "divisor") if hasattr(node.op, name))


def _in_range(numbers: NDArray[np.float64]) -> bool:
    """Whether the largest leaves room in what digits can hold."""
    peak = max(float(numbers.max(initial=0.0)), -float(numbers.min(initial=0.0)))
    return peak == 0 or 1 / _LARGEST < peak < _LARGEST


class LowRankArithmetic:
    """The operators of one network on one domain, on low-rank fields; decisions have to be exact.

    What begins as the domain's embedding stays of low rank until many units bend: then fields get rows of their own,
    and another arithmetic goes on with these (``EitherArithmetic``).
    """

    def __init__(self, network: Network, domain: Domain) -> None:
        self._network = network
        self.embedding = embedding(domain)
        """The node that low-rank fields begin with."""
        self._numbering = ValueNumbering(network, domain)
        self._index = {id(node): i for i, node in enumerate(network.nodes)}
        self._width = max(node.size for node in network.nodes)
        self._most = max(1, _ENTRIES // self._width)
        self._keys = count()
        self._next_number = _FIRST_NUMBER

    def take(self, field: LowRankField, rows: NDArray[np.int64]) -> LowRankField:
        """Some rows of a field."""
        return field.take(torch.as_tensor(rows))

    def explicit(self, field: LowRankField) -> FloatField:
        """The field by its values."""
        return replace(field.whole(), zeros=None)

    # ---- operators -------------------------------------------------------------------------------------------------
    def linear(self, node: Node, fields: Sequence[LowRankField]) -> LowRankField:
        """The output of a linear node."""
        recipe, generators = aligned(fields)
        exactly, closely = self._both(fields[0])
        constant = exactly.linear(node, [x.constant for x in fields])
        keys = [key for key, _ in recipe.sizes]
        through = closely.linear_of_all(node, [[part[key] for part in generators] for key in keys])
        rows = dict(zip(keys, through, strict=True))
        for arithmetic in (exactly, closely):
            arithmetic.forget(node.op)
        numbers = self._numbering.made(node, [x.numbers for x in fields], None)
        return LowRankField(recipe.coefficients, constant, rows, recipe.makings, numbers)

    def begun(self, x: FloatField, parts: int = _FEWEST) -> LowRankField:
        """The network's input, spanned by the domain's basis in numbers of so many parts; x: slice coordinates."""
        op = self.embedding.op
        assert isinstance(op, Dense)
        constant = self._long(parts + _MORE).rows(op.bias[None], np.ones(1))
        generators = self._blocks(op.weight.T.copy(), parts)
        return LowRankField(x, constant, generators, (), self._numbering.inputs)

    def activate(self, node: Node, x: LowRankField, *, consuming: bool = False) -> LowRankField:
        """The output of a piecewise-linear node, after the refinement by its levels: bent units become generators."""
        assert isinstance(node.op, Piecewise) and x.bending is not None
        bending, bent = x.bending, x.bending.bent
        units = bending.functions[bent]
        return self.applied(node, x, bending.lowest, units, _hinges(node, bending, bent))

    def activated(
        self, node: Node, cut: Refinement[Any], vertices: NDArray[np.int64] | None, *, any_rounding: bool
    ) -> LowRankField:
        """The output of a piecewise-linear node on an arrangement that was cut by its levels, at some vertices."""
        return self.activate(node, cut.cutting(vertices))

    def streamed(self, node: Node, cut: Refinement[Any]) -> None:
        """Nothing: there are no rows of vertices."""
        return

    def noting_zeros(self, node: Node, x: LowRankField, y: LowRankField) -> LowRankField:
        """y: what is known of its zeros is noted already."""
        return y

    def on_pieces(self, node: Node, x: LowRankField, pieces: Any) -> LowRankField:
        """The output of a nonlinear node on given pieces, the same at all vertices (1, units)."""
        index = torch.as_tensor(pieces)
        exactly, closely = self._both(x)
        rows = {key: closely.on_pieces(node, part, index) for key, part in x.generators.items()}
        numbers = self._numbering.made(node, [x.numbers], np.asarray(index[0]))
        constant = exactly.on_pieces(node, x.constant, index)
        return replace(x, constant=constant, generators=rows, numbers=numbers, bending=None)

    def maximum(self, x: LowRankField, y: LowRankField, cut: Refinement[Any]) -> LowRankField:
        """The larger of two fields: one of them, plus what the other has over it where either may be larger."""
        bending = cut.values.bending
        bent, columns = bending.bent, np.arange(x.columns)
        units = bending.functions[bent].numpy()
        base = self.chosen([x, y], np.where(bending.lowest.numpy() > 0, columns, x.columns + columns))
        numbers = base.numbers.copy()
        numbers[units] = of_either(x.numbers[units], y.numbers[units], self._next_number)
        self._next_number += len(units)
        values = bending.values
        over = FloatField(values.values[:, bent].clamp(min=0), values.error, zeros=_not_above(values, bent, 0.0))
        return replace(self._with_generators(base, bending.functions[bent], over), numbers=numbers)

    def chosen(self, fields: Sequence[LowRankField], columns: NDArray[np.int64]) -> LowRankField:
        """Some columns of fields that were all chosen from those of one: their numbers mean the same in all."""
        gathered = self.linear(Node(Gather(columns), (), (len(columns),), "chosen"), fields)
        return replace(gathered, numbers=np.concatenate([x.numbers for x in fields])[columns])

    def difference(self, x: LowRankField, y: LowRankField) -> LowRankField:
        """x - y, both chosen from one field: zero, exactly, where the two have the same number."""
        over = self.linear(Node(_DIFFERENCE, (), (x.columns,), "difference"), [x, y])
        return _without(over, x.numbers == y.numbers)

    def settled_maximum(
        self, node: Node, argument: LowRankField, winners: NDArray[np.int16], maximum: LowRankField
    ) -> LowRankField:
        """The output of a maximum whose winners on the regions (R, units) are known, from its argument and value.

        It has one generator for each unit with several winners, and no others beside those of the argument.
        """
        lowest = torch.as_tensor(winners.min(axis=0).astype(np.int64))
        units = torch.as_tensor(np.flatnonzero(winners.max(axis=0) > lowest.numpy()))
        base = argument.on(units * (argument.columns // node.size) + lowest[units])
        best = maximum.on(units)
        over = best.values - base.values
        error = lifted((base.error + best.error + UNIT * row_norms(over)) * ROUND_UP)
        zeros = None if base.zeros is None or best.zeros is None else base.zeros & best.zeros
        return self.applied(node, argument, lowest, units, FloatField(over, error, zeros=zeros))

    def applied(self, node: Node, x: LowRankField, base: Tensor, units: Tensor, more: FloatField) -> LowRankField:
        """The output of a nonlinear node: on the pieces ``base``, plus what some units have over them."""
        output = self._with_generators(self.on_pieces(node, x, base[None]), units, more)
        keys = tuple(key for key in output.generators if key not in x.generators)
        which = units.numpy()
        if isinstance(node.op, Piecewise):
            numbers = self._numbering.bent(output.numbers, node, x.numbers, which)
        else:
            numbers = apart(output.numbers, which)
        making = Making(self._index[id(node)], base, units, keys)
        return replace(output, makings=(*x.makings, making), numbers=numbers)

    def _with_generators(self, base: LowRankField, units: Tensor, more: FloatField) -> LowRankField:
        """The field plus ``more`` (V, n), a function a unit."""
        if not len(units):
            return base
        rows = np.zeros((len(units), base.columns))
        rows[np.arange(len(units)), units.numpy()] = 1.0
        old = base.coefficients
        new_zeros = torch.zeros(more.values.shape, dtype=torch.bool) if more.zeros is None else more.zeros
        coefficients = FloatField(
            torch.cat([old.values, more.values], 1),
            lifted(torch.hypot(old.error, more.error) * ROUND_UP),
            zeros=torch.cat([base.recipe.known_zeros, new_zeros], 1),
        )
        blocks = self._blocks(rows, base.parts)
        return replace(base, coefficients=coefficients, generators={**base.generators, **blocks})

    def _blocks(self, rows: NDArray[np.float64], parts: int) -> Mapping[int, ExtendedField]:
        """New generators, as many together as go through the network at once."""
        starts = range(0, len(rows), self._most)
        blocks = [rows[start : start + self._most] for start in starts]
        return {next(self._keys): self._long(parts).rows(block, np.zeros(len(block))) for block in blocks}

    def _both(self, x: LowRankField) -> tuple[ExtendedArithmetic, ExtendedArithmetic]:
        """The arithmetics of a field's constant and of its generators."""
        return self._long(x.parts + _MORE), self._long(x.parts)

    def _long(self, parts: int) -> ExtendedArithmetic:
        return ExtendedArithmetic.of(self._network, parts)

    # ---- fields made again -----------------------------------------------------------------------------------------
    def ranges(self, field: LowRankField) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Bounds on each function over the block (proofs/, Lemma 11 (c))."""
        centre, radius = field.enclosure.centre.numpy(), field.enclosure.radius.numpy()
        return np.nextafter(centre - radius, -np.inf), np.nextafter(centre + radius, np.inf)

    def sharpened(self, live: dict[int, LowRankField], node: Node) -> dict[int, Any]:
        """Fields on the same vertices, by node: made again with more parts if the one that is read needs them.

        Where a good part of all units bend, fields get rows of their own.
        """
        field = live[node.inputs[0]]
        if field.coefficients.columns + _reaching(node, field) > _MANY * self._width:
            return {i: x.whole() for i, x in live.items()}
        return self._sharp(live, field)

    def _sharp(self, live: dict[int, LowRankField], field: LowRankField) -> dict[int, LowRankField]:
        parts = field.parts
        worst = max(map(_share, field.generators.values()))
        if worst <= _ENOUGH or parts == _MOST:
            return live
        bits = self._long(parts).grid.bits
        wanted = min(_MOST, parts + ceil(log2(worst / _ENOUGH) / bits)) if worst < np.inf else _MOST
        return self._again(live, None, wanted)

    def narrowed(self, live: Mapping[int, LowRankField | Recipe], ranges: Ranges) -> dict[int, LowRankField]:
        """Fields on the vertices of a block, by node, without generators for units that keep to one piece there."""
        return self._again(live, ranges, None)

    def _again(
        self, live: Mapping[int, LowRankField | Recipe], ranges: Ranges | None, parts: int | None
    ) -> dict[int, LowRankField]:
        recipe = Recipe.joined([x.recipe if isinstance(x, LowRankField) else x for x in live.values()])
        recipe = recipe if parts is None else replace(recipe, parts=parts)
        fields = _Replay(self, recipe, ranges).run(self._network, live)
        error = recipe.coefficients.error
        return {i: x.changed(lambda coefficients: replace(coefficients, error=error)) for i, x in fields.items()}


class _Replay:
    """The way of a slice through a network on known pieces."""

    def __init__(self, arithmetic: LowRankArithmetic, recipe: Recipe, ranges: Ranges | None) -> None:
        self._arithmetic, self._ranges = arithmetic, ranges
        self._recipe, self._columns, self._zeros = recipe, recipe.columns, recipe.known_zeros
        self._makings = {making.node: making for making in recipe.makings}

    def run(self, network: Network, wanted: Mapping[int, Any]) -> dict[int, LowRankField]:
        """The fields of the wanted nodes, whose coefficients carry no error of their own."""
        coordinates = self._some(slice(0, 2))
        live = {0: self._arithmetic.begun(coordinates, self._recipe.parts)}
        for i, node in enumerate(network.nodes[1 : max(wanted) + 1], start=1):
            checkpoint()
            if all(j in live for j in node.inputs) and (not node.is_nonlinear or i in self._makings):
                inputs = [live[j] for j in node.inputs]
                live[i] = (
                    self._applied(node, inputs[0], i) if node.is_nonlinear else self._arithmetic.linear(node, inputs)
                )
            live = {j: x for j, x in live.items() if network.last_use[j] > i or j in wanted}
        return {i: live[i] for i in wanted}

    def _applied(self, node: Node, x: LowRankField, i: int) -> LowRankField:
        making = self._makings[i]
        base, kept = making.base, torch.ones(len(making.units), dtype=torch.bool)
        if self._ranges is not None:
            lowest, highest = (torch.as_tensor(bound) for bound in self._ranges[i])
            base, kept = torch.where(lowest == highest, lowest, base), (highest > lowest)[making.units]
        columns = torch.cat([torch.zeros(0, dtype=torch.int64), *(self._places(key) for key in making.keys)])[kept]
        return self._arithmetic.applied(node, x, base, making.units[kept], self._some(columns))

    def _places(self, key: int) -> Tensor:
        columns = self._columns[key]
        return torch.arange(columns.start, columns.stop)

    def _some(self, columns: Any) -> FloatField:
        values = self._recipe.coefficients.values[:, columns]
        return FloatField(values, torch.zeros(len(values), dtype=torch.float64), zeros=self._zeros[:, columns])


def _reaching(node: Node, x: LowRankField) -> int:
    """How many functions may reach a breakpoint of a node; 0 for a maximum, which cuts by others."""
    if not isinstance(node.op, Piecewise):
        return 0
    functions = torch.arange(x.columns)
    near = [x.enclosure.reaching(functions, torch.tensor(level)) for level in node.op.breakpoints.tolist()]
    return int(torch.stack(near).any(0).sum())


def _without(x: LowRankField, functions: NDArray[np.bool_]) -> LowRankField:
    """The field in which some functions, which are zero, are known to be so."""
    keep = torch.as_tensor(~functions).to(torch.float64)
    rows = {key: masked(part, keep) for key, part in x.generators.items()}
    return replace(x, constant=masked(x.constant, keep), generators=rows, numbers=np.where(functions, 0, x.numbers))


def _share(rows: ExtendedField) -> float:
    """The largest share of its values that the bound of a row is."""
    sizes = row_norms(rows.digits.parts[0] + rows.digits.parts[1])
    shares = (rows.error / sizes)[sizes > 0]
    return float(shares.max()) if len(shares) else 0.0


def _hinges(node: Node, bending: Bending, bent: Tensor) -> FloatField:
    """What a piecewise-linear function has over its lowest piece, for units that bend (proofs/, Lemma 11 (a))."""
    op = node.op
    assert isinstance(op, Piecewise)
    units, bent_values = bending.functions[bent], bending.values
    lowest, highest = bending.lowest[units], bending.highest[units]
    slopes = torch.as_tensor(table(op.slopes, node)[:, units.numpy()].copy())
    values = bent_values.values[:, bent]
    total, magnitude = torch.zeros_like(values), torch.zeros_like(values)
    zeros, steepest = torch.ones_like(values, dtype=torch.bool), torch.zeros(len(units), dtype=torch.float64)
    for piece, level in enumerate(op.breakpoints.tolist(), start=1):
        here = (lowest < piece) & (piece <= highest)
        change = torch.where(here, slopes[piece] - slopes[piece - 1], 0.0)
        beyond = (values - level).clamp(min=0) * change
        total += beyond
        magnitude += beyond.abs()
        steepest += change.abs()
        zeros &= ~here | _not_above(bent_values, bent, level)
    error = largest(steepest) * bent_values.error + gamma(len(op.breakpoints) + 4) * row_norms(magnitude)
    return FloatField(total, lifted(error * ROUND_UP), zeros=zeros)


def _not_above(x: FloatField, columns: Tensor, level: float) -> Tensor:
    """Where some functions are certainly not above a level, bool (V, n)."""
    below = x.values < level - x.bound().coarse()[:, None] - 2 * UNIT * abs(level)
    if level >= 0 and x.zeros is not None:
        below |= x.zeros
    return below[:, columns]
