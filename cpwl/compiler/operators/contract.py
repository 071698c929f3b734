"""Contractions of a tensor with a constant one: batched matrix products, einsum, tensordot, outer products."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from string import ascii_letters

import numpy as np
import torch

from ...errors import UnsupportedLayerError
from ..builder import Builder, Handler, Operand, Value, array, entries
from .linear import add, matmul


def contract(b: Builder, x: Value, constant: Operand, axes: str, constant_axes: str, result: str) -> Value:
    """The sum of x * constant over the axes that the result lacks; each letter names an axis.

    Axes of both that the result keeps become groups of a convolution, so that no block-diagonal matrix is built.
    """
    assert not isinstance(constant, Value)
    weight = torch.as_tensor(array(constant))
    sizes = {**dict(zip(constant_axes, weight.shape, strict=True)), **dict(zip(axes, x.shape, strict=True))}
    groups = "".join(a for a in axes if a in constant_axes and a in result)
    free = "".join(a for a in axes if a in result and a not in constant_axes)
    summed = "".join(a for a in axes if a not in result)
    own = "".join(a for a in constant_axes if a in result and a not in axes)

    def size(letters: str) -> int:
        return prod(sizes[a] for a in letters)

    missing = "".join(a for a in summed if a not in constant_axes)
    ones = torch.ones([sizes[a] for a in missing], dtype=torch.float64)
    kernel = torch.einsum(f"{constant_axes},{missing}->{groups}{own}{summed}", weight, ones)
    rows = _arranged(b, x, axes, free + groups + summed)
    columns = b.reshape(rows, (size(free), size(groups + summed), 1))
    product = b.conv(
        columns,
        kernel.reshape(size(groups + own), size(summed), 1).numpy(),
        stride=[1],
        padding=[(0, 0)],
        dilation=[1],
        groups=size(groups),
    )
    kept = free + groups + own
    return _arranged(b, b.reshape(product, tuple(sizes[a] for a in kept)), kept, result)


def _arranged(b: Builder, x: Value, axes: str, wanted: str) -> Value:
    return b.gather([x], entries(x).permute([axes.index(a) for a in wanted]).numpy())


def einsum(b: Builder, equation: str, operands: Sequence[Operand], path: object = None) -> Value:
    """torch.einsum of one tensor, or of a tensor and a constant."""
    terms, result = _parsed(equation, [len(operand.shape) for operand in operands])  # type: ignore[union-attr]
    dependent = [k for k, operand in enumerate(operands) if isinstance(operand, Value)]
    if len(dependent) != 1:
        raise UnsupportedLayerError("a product of two tensors that both depend on the input is not piecewise linear")
    if len(operands) > 2:
        raise UnsupportedLayerError(f"einsum {equation!r} has more than two operands")
    operands = [_diagonal(b, operand, term) for operand, term in zip(operands, terms, strict=True)]
    terms = ["".join(dict.fromkeys(term)) for term in terms]
    x, (k,) = operands[dependent[0]], dependent
    assert isinstance(x, Value)
    if len(operands) == 1:
        return contract(b, x, 1.0, terms[0], "", result)
    return contract(b, x, operands[1 - k], terms[k], terms[1 - k], result)


def _parsed(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The axes of every operand and of the result; a result that is not given has the axes that occur once.

    The axes that "..." stands for get letters of their own, the same from the last to the first.
    """
    left, arrow, result = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise UnsupportedLayerError(f"einsum {equation!r} does not name {len(ranks)} operands")
    free = [letter for letter in ascii_letters if letter not in equation]
    counts = [
        rank - len(term.replace("...", "")) if "..." in term else 0 for term, rank in zip(terms, ranks, strict=True)
    ]
    many = max(counts)
    if min(counts) < 0 or many > len(free):
        raise UnsupportedLayerError(f"einsum {equation!r} does not fit operands of ranks {list(ranks)}")
    whole = "".join(free[:many])
    terms = [term.replace("...", whole[many - count :]) for term, count in zip(terms, counts, strict=True)]
    letters = sorted("".join(terms))
    once = "".join(a for a in dict.fromkeys(letters) if letters.count(a) == 1 and a not in whole)
    return terms, result.replace("...", whole) if arrow else whole + once


def _diagonal(b: Builder, operand: Operand, term: str) -> Operand:
    """The entries of an operand at which axes of the same letter have the same index, one axis for each letter."""
    if len(set(term)) == len(term):
        return operand
    letters = {letter: ascii_letters[i] for i, letter in enumerate(dict.fromkeys(term))}
    kept = "".join(letters.values())
    equation = f"{''.join(letters[a] for a in term)}->{kept}"
    if isinstance(operand, Value):
        return b.gather([operand], np.einsum(equation, entries(operand).numpy()))
    return torch.as_tensor(np.einsum(equation, array(operand)))


def tensordot(b: Builder, x: Operand, y: Operand, dims_x: Sequence[int], dims_y: Sequence[int]) -> Value:
    """The contraction of pairs of axes."""
    ranks = [len(operand.shape) for operand in (x, y)]  # type: ignore[union-attr]
    names = [list(ascii_letters[: ranks[0]]), list(ascii_letters[ranks[0] : sum(ranks)])]
    for axis_x, axis_y in zip(dims_x, dims_y, strict=True):
        names[1][axis_y] = names[0][axis_x]
    first, second = ("".join(letters) for letters in names)
    summed = {names[0][d] for d in dims_x}
    result = "".join(a for a in first + second if a not in summed)
    return einsum(b, f"{first},{second}->{result}", (x, y))


def batched_matmul(b: Builder, x: Operand, y: Operand) -> Value:
    """x @ y; with one constant matrix for all, or one for each entry of the leading axes that both have."""
    shapes = [tuple(operand.shape) for operand in (x, y)]  # type: ignore[union-attr]
    constant = shapes[int(isinstance(x, Value))]
    if len(shapes[0]) != len(shapes[1]) or prod(constant[:-2]) == 1 or shapes[0][:-2] != shapes[1][:-2]:
        return matmul(b, x, y)
    lead = ascii_letters[3 : 3 + len(shapes[0]) - 2]
    return einsum(b, f"{lead}ab,{lead}bc->{lead}ac", (x, y))


def add_batched(b: Builder, bias: Operand, x: Operand, y: Operand, *, beta: float = 1, alpha: float = 1) -> Value:
    """beta * bias + alpha * x y, batch by batch."""
    product = batched_matmul(b, x, y)
    return add(b, product if alpha == 1 else b.scale(product, alpha), bias, alpha=beta)


def outer(b: Builder, x: Operand, y: Operand) -> Value:
    """The products of every entry of x with every entry of y."""
    return einsum(b, "a,b->ab", (x, y))


HANDLERS: dict[str, Handler] = {
    "aten.einsum.default": einsum,
    "aten.tensordot.default": tensordot,
    "aten.matmul.default": batched_matmul,
    "aten.bmm.default": batched_matmul,
    "aten.baddbmm.default": add_batched,
    "aten.outer.default": outer,
}
