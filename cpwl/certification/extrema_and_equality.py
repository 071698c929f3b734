"""Claims about a whole domain that values at the vertices of its partition prove (proofs/, Theorem 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..claims.claim import Claim
from ..errors import ArgumentError
from ..geometry.domain import Domain
from ..local.evaluate import check_compiled
from ..network.digest import Entry, number
from ..network.joint import joined, parted
from ..network.network import Network
from ..partitions.compute import partition
from ..partitions.partition import Partition
from ..runtime import inputs
from ..runtime.ieee import ieee
from ..runtime.inputs import instance, one_of, whole
from ..runtime.progress import shows_progress
from ..tiling.states import Progress
from ..tiling.tiling import Tiling
from .certificate import Certificate
from .prove import certify


@ieee
@dataclass(frozen=True, eq=False)
class Extremum(Claim):
    """The largest (or smallest) value of an output on a domain, and a point where the network has it."""

    partition: Certificate
    """The exact partition: the proof."""
    output: int
    sense: Literal["maximum", "minimum"]
    value: Fraction
    """The value, exactly."""
    vertex: int
    """The vertex of the partition with that value."""

    def __repr__(self) -> str:
        return f"<Extremum: the {self.sense} of output {self.output} is about {float(self.value):.6g}>"

    @property
    def u(self) -> NDArray[Any]:
        """Slice coordinates of that vertex, Fractions (D,)."""
        return _coordinates(self.partition, self.vertex)

    @property
    def x(self) -> NDArray[Any]:
        """That vertex as a point of the input space, Fractions of the input's shape."""
        return self.partition.domain.to_input(self.u)

    def document(self) -> Entry:
        claim = {"output": self.output, "sense": self.sense, "value": number(self.value), "vertex": self.vertex}
        return _proved("extremum", (self.partition.network,), self.partition, claim)


@ieee
@dataclass(frozen=True, eq=False)
class ConstantDecision(Claim):
    """One output is strictly larger than all others everywhere on a domain: a robustness certificate."""

    partition: Certificate
    """The exact partition: the proof."""
    label: int
    """The output that is largest."""
    margin: Fraction
    """How much it exceeds the others everywhere, at least; attained."""

    def __repr__(self) -> str:
        return f"<ConstantDecision: output {self.label} is the largest everywhere, by {float(self.margin):.6g} or more>"

    def document(self) -> Entry:
        return _proved("constant-decision", (self.partition.network,), self.partition, {"class": self.label})


@ieee
@dataclass(frozen=True, eq=False)
class DecisionCounterexample(Claim):
    """A point of a domain at which another output is at least as large as the one that was to be the largest."""

    network: Network
    domain: Domain
    label: int
    """The output that was to be larger than all others."""
    other: int
    """The output that is at least as large."""
    u: NDArray[Any]
    """Slice coordinates of the point, Fractions (D,)."""
    logits: NDArray[Any]
    """The network's outputs there, Fractions (m,)."""

    def __repr__(self) -> str:
        refuted = f"output {self.label} is not the largest everywhere"
        return f"<DecisionCounterexample: {refuted}: output {self.other} is at least as large at {_near(self.u)}>"

    @property
    def x(self) -> NDArray[Any]:
        """The point of the input space, Fractions of the input's shape."""
        return self.domain.to_input(self.u)

    def document(self) -> Entry:
        claim = {"point": list(map(number, self.u)), "class": self.label, "other": self.other}
        return _stated("decision-counterexample", (self.network,), self.domain, claim)


@ieee
@dataclass(frozen=True, eq=False)
class EqualNetworks(Claim):
    """Two networks have the same outputs everywhere on a domain."""

    networks: tuple[Network, Network]
    partition: Certificate
    """The exact partition by the units of both: the proof. Its network is their difference."""

    def __repr__(self) -> str:
        return f"<EqualNetworks: all outputs agree on {self.partition.domain!r}>"

    def document(self) -> Entry:
        return _proved("equal-networks", self.networks, self.partition, {})


@ieee
@dataclass(frozen=True, eq=False)
class DifferentNetworks(Claim):
    """A point of a domain at which an output of two networks differs; no other point's outputs differ more."""

    networks: tuple[Network, Network]
    domain: Domain
    output: int
    u: NDArray[Any]
    """Slice coordinates of the point, Fractions (D,)."""
    difference: Fraction
    """The output of the first network minus that of the second, there."""

    def __repr__(self) -> str:
        size = f"{float(self.difference):.6g}"
        return f"<DifferentNetworks: not equal: output {self.output} differs by about {size} at {_near(self.u)}>"

    @property
    def x(self) -> NDArray[Any]:
        """The point of the input space, Fractions of the input's shape."""
        return self.domain.to_input(self.u)

    def document(self) -> Entry:
        claim = {"point": list(map(number, self.u)), "output": self.output}
        return _stated("different-networks", self.networks, self.domain, claim)


@ieee
@shows_progress
def certify_extremum(
    part: Partition | Certificate,
    output: int = 0,
    *,
    sense: Literal["maximum", "minimum"] = "maximum",
    progress: Progress | None = None,
) -> Extremum:
    """The exact maximum (or minimum) of an output on the domain of a partition, with its proof.

    An affine function on a polytope is largest at a vertex: the value is that of a vertex of the exact partition, which
    is certified first (see ``certify``) unless a certificate is given.
    """
    proven = _certificate(part, progress)
    chosen = _output("output", output, proven.network)
    one_of("sense", sense, ("maximum", "minimum"))
    values = _values(proven)[:, chosen]
    vertex = int(values.argmax() if sense == "maximum" else values.argmin())
    return Extremum(proven, chosen, sense, values[vertex], vertex)


@ieee
@shows_progress
def certify_constant(
    part: Partition | Certificate, label: int | None = None, *, progress: Progress | None = None
) -> ConstantDecision | DecisionCounterexample:
    """The proof that one output is strictly the largest everywhere on the domain, or a rational counterexample.

    ``label`` is that output; by default the one that is largest at the first vertex. The counterexample is the vertex
    of the exact partition at which another output exceeds it most.
    """
    proven = _certificate(part, progress)
    if proven.network.outputs < 2:
        raise ArgumentError("the network has one output: there is no decision. Use certify_extremum.")
    values = _values(proven)
    winner = int(values[0].argmax()) if label is None else _output("label", label, proven.network)
    rivals = np.delete(values, winner, axis=1)
    margins = values[:, winner] - rivals.max(axis=1)
    vertex = int(margins.argmin())
    if margins[vertex] > 0:
        return ConstantDecision(proven, winner, margins[vertex])
    other = int(rivals[vertex].argmax())
    return DecisionCounterexample(
        proven.network,
        proven.domain,
        winner,
        other + (other >= winner),
        _coordinates(proven, vertex),
        values[vertex],
    )


@ieee
@shows_progress
def certify_equal(
    first: Network, second: Network, dom: Domain, *, backend: str = "torch", progress: Progress | None = None
) -> EqualNetworks | DifferentNetworks:
    """The proof that two networks have the same outputs everywhere on a domain, or the point where they differ most.

    The domain is partitioned by the units of both networks. Raises ``ArgumentError`` when the networks' inputs or
    outputs are not as many.
    """
    check_compiled(first, "first")
    check_compiled(second, "second")
    part = partition(joined(first, second), dom, backend=backend, progress=progress)
    proven = certify(part, progress=progress)
    networks = parted(proven.network, first, second)
    differences = _values(proven)
    vertex, output = divmod(int(np.abs(differences).argmax()), differences.shape[1])
    difference = differences[vertex, output]
    if difference == 0:
        return EqualNetworks(networks, proven)
    return DifferentNetworks(networks, dom, output, _coordinates(proven, vertex), difference)


# ---- private -------------------------------------------------------------------------------------------------------
def _certificate(part: Partition | Certificate, progress: Progress | None) -> Certificate:
    inputs.progress(progress)
    if isinstance(part, Certificate):
        return part
    return certify(
        instance("part", part, Tiling, "Use cpwl.partition, or cpwl.certify.", "Partition"), progress=progress
    )


def _output(name: str, value: int, network: Network) -> int:
    return whole(name, value, 0, network.outputs - 1)


def _values(proven: Certificate) -> NDArray[Any]:
    """The exact outputs at the points of the certificate's list, Fractions (V, m)."""
    return proven.values


def _coordinates(proven: Certificate, vertex: int) -> NDArray[Any]:
    *coordinates, w = proven.listing.points[vertex]
    return np.array([Fraction(int(x), int(w)) for x in coordinates], dtype=object)


def _near(u: NDArray[Any]) -> str:
    return f"u near ({', '.join(f'{float(x):.6g}' for x in u)})"


def _stated(kind: str, networks: Sequence[Network], domain: Domain, claim: Entry) -> Entry:
    from ..claims.document import document

    return document(kind, tuple(networks), domain, claim)


def _proved(kind: str, networks: Sequence[Network], proven: Certificate, claim: Entry) -> Entry:
    from ..claims.document import proof

    return {**_stated(kind, networks, proven.domain, claim), "proof": proof(proven.listing)}
