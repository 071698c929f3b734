"""Which variables a query has: its inputs and outputs, by their names, in either form of VNN-LIB."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from .symbols import Expression, Group, Symbol, refuse

_OLD_NAME = re.compile(r"([XY])_(\d{1,9})")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INDICES = re.compile(r"\[\s*(\d{1,9}(\s*,\s*\d{1,9})*)?\s*\]")
_FLOATING = ("real", "float16", "float32", "float64", "bfloat16")
"""Element types of which a query is read: that of a network's exact function, and those that it may be run in."""

Variable = tuple[str, int]
"""``"x"`` or ``"y"``, and the number of the entry."""


@dataclass(frozen=True)
class Tensor:
    """The input, or the output, of the network of a query."""

    name: str
    kind: str
    """The element type as the query has it; empty in the old form."""
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """The number of entries."""
        return prod(self.shape)


@dataclass(frozen=True)
class Variables:
    """The variables of a query."""

    modern: bool
    """Whether it is of VNN-LIB 2.0."""
    inputs: Tensor
    outputs: Tensor

    def taken(self, members: Sequence[Expression], place: int) -> tuple[Variable, int]:
        """The variable at a place of a list, and the place behind it; an error where there is none."""
        symbol = members[place]
        if not isinstance(symbol, Symbol):
            refuse(symbol.line, "a variable", symbol)
        if not self.modern:
            return self._old(symbol), place + 1
        for name, tensor in (("x", self.inputs), ("y", self.outputs)):
            if symbol.text == tensor.name:
                following = members[place + 1] if place + 1 < len(members) else None
                if isinstance(following, Symbol) and following.text.startswith("["):
                    return (name, _flat(tensor, following)), place + 2
                if tensor.shape:
                    refuse(symbol.line, f"{len(tensor.shape)} indices in brackets after {tensor.name}", "none")
                return (name, 0), place + 1
        refuse(symbol.line, f"a number, or an entry of {self.inputs.name} or {self.outputs.name}", symbol)

    def _old(self, symbol: Symbol) -> Variable:
        match = _OLD_NAME.fullmatch(symbol.text)
        kind = match.group(1) if match else ""
        count = {"X": self.inputs.size, "Y": self.outputs.size}.get(kind, 0)
        if match is None or int(match.group(2)) >= count:
            refuse(symbol.line, "a number or a declared variable", symbol)
        return kind.lower(), int(match.group(2))


def declared(parts: Sequence[Expression]) -> tuple[Variables, list[Group]]:
    """The variables that the expressions of a file declare, and its assertions."""
    groups = [part if isinstance(part, Group) else refuse(part.line, "'(' before", part) for part in parts]
    asserted = [group for group in groups if group.head == "assert"]
    others = [group for group in groups if group.head != "assert"]
    if not others:
        refuse(1, "declarations: (declare-const X_0 Real), or (vnnlib-version <2.0>)", "none")
    modern = others[0].head in ("vnnlib-version", "declare-network")
    variables = _modern(others) if modern else _old(others)
    if not asserted:
        refuse(others[-1].line, "an assertion after the declarations", "none")
    return variables, asserted


# ---- the form that the competitions used until 2025 ----------------------------------------------------------------
def _old(groups: Sequence[Group]) -> Variables:
    seen: dict[str, set[int]] = {"X": set(), "Y": set()}
    for group in groups:
        words = [member.text for member in group.members if isinstance(member, Symbol)]
        if group.head != "declare-const" or len(words) != 3 or len(group.members) != 3 or words[2] != "Real":
            refuse(group.line, "(declare-const X_0 Real), one for each input X_ and output Y_, or (assert ...)", group)
        match = _OLD_NAME.fullmatch(words[1])
        if match is None:
            refuse(group.line, "the name of an input X_0, X_1, ... or an output Y_0, Y_1, ...", f"'{words[1]}'")
        kind, number = match.group(1), int(match.group(2))
        if number in seen[kind]:
            refuse(group.line, "each variable declared once", f"'{words[1]}' again")
        seen[kind].add(number)
    for kind, numbers in seen.items():
        if numbers != set(range(len(numbers))) or not numbers:
            what = {"X": "inputs", "Y": "outputs"}[kind]
            refuse(groups[-1].line, f"{what} {kind}_0, {kind}_1, ... without a gap", f"{len(numbers)} {what}")
    return Variables(False, *(Tensor(kind, "", (len(numbers),)) for kind, numbers in seen.items()))


# ---- VNN-LIB 2.0 ---------------------------------------------------------------------------------------------------
def _modern(groups: Sequence[Group]) -> Variables:
    rest = list(groups)
    if rest[0].head == "vnnlib-version":
        version = rest.pop(0)
        if [str(member) for member in version.members[1:]] != ["'<2.0>'"]:
            refuse(version.line, "(vnnlib-version <2.0>)", "another version")
    if not rest:
        refuse(groups[0].line, "(declare-network N ...)", "none")
    if len(rest) > 1 or rest[0].head != "declare-network":
        odd = rest[1] if rest[0].head == "declare-network" else rest[0]
        refuse(odd.line, "one (declare-network N ...), and assertions", odd)
    tensors: dict[str, Tensor] = {}
    for member in rest[0].members[2:]:
        kind = member.head.removeprefix("declare-") if isinstance(member, Group) else ""
        if kind not in ("input", "output") or kind in tensors:
            refuse(member.line, "one (declare-input ...) and one (declare-output ...)", member)
        assert isinstance(member, Group)
        tensors[kind] = _tensor(member)
    if len(tensors) < 2:
        refuse(rest[0].line, "one (declare-input ...) and one (declare-output ...)", f"{len(tensors)} of them")
    if tensors["input"].name == tensors["output"].name:
        refuse(rest[0].line, "different names of input and output", f"'{tensors['input'].name}' twice")
    return Variables(True, tensors["input"], tensors["output"])


def _tensor(group: Group) -> Tensor:
    wanted = f"({group.head} NAME TYPE [SHAPE])"
    words = [member.text for member in group.members if isinstance(member, Symbol)]
    if len(words) not in (4, 5) or len(words) != len(group.members) or not _NAME.fullmatch(words[1]):
        refuse(group.line, wanted, group)
    if words[2] not in _FLOATING:
        refuse(group.line, f"one of the element types {', '.join(_FLOATING)}", f"'{words[2]}'")
    if len(words) == 5 and not words[4].startswith('"'):
        refuse(group.line, f'{wanted}, or a name of ONNX in quotes at its end: "name"', f"'{words[4]}'")
    shape = _numbers(Symbol(words[3], group.line))
    if not all(shape):
        refuse(group.line, "a shape of positive numbers", f"'{words[3]}'")
    return Tensor(words[1], words[2], shape)


def _numbers(symbol: Symbol) -> tuple[int, ...]:
    match = _INDICES.fullmatch(symbol.text)
    if match is None:
        refuse(symbol.line, "whole numbers in brackets, such as [1,5]", symbol)
    return tuple(int(part) for part in (match.group(1) or "").split(",") if part.strip())


def _flat(tensor: Tensor, symbol: Symbol) -> int:
    """The number of the entry with these indices, row by row."""
    indices = _numbers(symbol)
    shown = ",".join(map(str, tensor.shape))
    fits = len(indices) == len(tensor.shape) and all(i < n for i, n in zip(indices, tensor.shape, strict=True))
    if not fits:
        refuse(symbol.line, f"indices of {tensor.name}, whose shape is [{shown}]", symbol)
    flat = 0
    for i, n in zip(indices, tensor.shape, strict=True):
        flat = flat * n + i
    return flat
