"""Claims about a whole domain that values at the vertices of its partition prove (proofs/, Theorem 5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..backends.exact import ExactArithmetic
from ..claims.claim import Claim
from ..claims.naming import Naming
from ..errors import ArgumentError
from ..fields.arithmetic import embedding, evaluate
from ..geometry.domain import Domain
from ..local.evaluate import check_compiled
from ..network.digest import Entry, number
from ..network.joint import joined
from ..network.network import Network
from ..partitions.compute import partition
from ..partitions.partition import Partition
from ..runtime import inputs
from ..runtime.ieee import ieee
from ..runtime.inputs import instance, one_of, whole
from ..runtime.progress import shows_progress
from ..tiling.states import Progress
from ..tiling.tiling import Tiling
from . import by_name
from .by_name import Bounds
from .certificate import Certificate
from .copies import WithoutCopies, occurring, without_copies
from .prove import certify, is_large


@ieee
@dataclass(frozen=True, eq=False)
class Extremum(Claim):
    """The largest (or smallest) value of an output on a domain, and a point where the network has it."""

    partition: Certificate
    """The exact partition: the proof."""
    output: int
    sense: Literal["maximum", "minimum"]
    value: Fraction
    """The value, exactly, or up to ``error``."""
    vertex: int
    """The vertex of the certificate's list with that value."""
    error: Fraction = Fraction(0)
    """0 where vertices are exact; where they are named the value is at most this far off, about 2^-95."""

    def __repr__(self) -> str:
        return f"<Extremum: the {self.sense} of output {self.output} is about {float(self.value):.6g}>"

    @property
    def u(self) -> NDArray[Any]:
        """Slice coordinates of that vertex, Fractions (D,); of a point near it where vertices are named."""
        return self.partition.near(self.vertex)

    @property
    def x(self) -> NDArray[Any]:
        """That vertex as a point of the input space, Fractions of the input's shape."""
        return self.partition.domain.to_input(self.u)

    def document(self) -> Entry:
        claim: Entry = {"output": self.output, "sense": self.sense, "vertex": self.vertex}
        if self.partition.vertices == "named":
            claim |= {"low": number(self.value - self.error), "high": number(self.value + self.error)}
        else:
            claim["value"] = number(self.value)
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
    """How much it exceeds the others everywhere, at least; attained (where vertices are named nearly)."""

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
    """The exact partition by the units of both: the proof. Its network is their difference.

    Of deep networks it has named vertices, and its own ``partition`` is computed when it is asked for.
    """

    def __repr__(self) -> str:
        return f"<EqualNetworks: all outputs agree on {self.partition.domain!r}>"

    def document(self) -> Entry:
        return _proved("equal-networks", self.networks, self.partition, {})


@ieee
@dataclass(frozen=True, eq=False)
class DifferentNetworks(Claim):
    """A point of a domain at which an output of two networks differs; no other point's outputs differ more.

    In deep networks some may, by 2^-90 of what they are or so: see ``certify_equal``. (There it is told from units that
    fingerprints take for copies, which is certain but for a chance of some 2^-60; the difference itself is exact.)
    """

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
    is certified first (see ``certify``) unless a certificate is given. Where vertices are named, bounds are proved.
    """
    proven = _certificate(part, progress)
    chosen = _output("output", output, proven.network)
    one_of("sense", sense, ("maximum", "minimum"))
    low, high = (bound[:, chosen] for bound in proven.bounds)
    vertex = int(low.argmax() if sense == "maximum" else high.argmin())
    end = high.max() if sense == "maximum" else low.min()
    low, high = min(low[vertex], end), max(high[vertex], end)
    return Extremum(proven, chosen, sense, (low + high) / 2, vertex, (high - low) / 2 + _room(proven, high - low))


@ieee
@shows_progress
def certify_constant(
    part: Partition | Certificate, label: int | None = None, *, progress: Progress | None = None
) -> ConstantDecision | DecisionCounterexample:
    """The proof that one output is strictly the largest everywhere on the domain, or a rational counterexample.

    ``label`` is that output; by default the one that is largest at the first vertex. The counterexample is the vertex
    of the exact partition at which another output exceeds it most.

    Where vertices are named (see ``certify``) the counterexample is a rational point within 2^-100 or so of that
    vertex, at which outputs are computed exactly. Where the bounds leave open whether outputs tie at a vertex, and that
    point does not tell, they are computed at the vertex itself: a tie is a counterexample; if there is none, more bits
    prove it.
    """
    proven = _certificate(part, progress)
    if proven.network.outputs < 2:
        raise ArgumentError("the network has one output: there is no decision. Use certify_extremum.")
    winner = int(proven.bounds[0][0].argmax()) if label is None else _output("label", label, proven.network)
    leads = _leads(proven, winner)
    if leads.min() > 0:
        return ConstantDecision(proven, winner, leads.min())
    points = (u for v in np.argsort(leads).tolist() if leads[v] <= 0 for u in _points_at(proven, v))
    refuted = next(filter(None, (_counterexample(proven, winner, u) for u in points)), None)
    if refuted is not None:
        return refuted
    for wider in _with_more_bits(proven):
        leads = _leads(wider, winner)
        if leads.min() > 0:
            return ConstantDecision(wider, winner, leads.min())
    return certify_constant(certify(proven.partition, vertices="exact", progress=progress), winner)


@ieee
@shows_progress
def certify_equal(
    first: Network, second: Network, dom: Domain, *, backend: str = "torch", progress: Progress | None = None
) -> EqualNetworks | DifferentNetworks:
    """The proof that two networks have the same outputs everywhere on a domain, or the point where they differ most.

    Where vertices are named (see ``certify``) a unit of the second network that is a copy of one of the first, up to a
    factor or an affine function, cuts nothing again; that all outputs are equal on every region is told from exact
    integers, without coordinates. Where the networks differ is told by bounds at the vertices; the difference is exact,
    at a point beside one. Else, or where names prove nothing, the vertices of the partition by the units of both are
    exact. Raises ``ShapeError`` when the networks' inputs or outputs are not as many.
    """
    check_compiled(first, "first")
    check_compiled(second, "second")
    joined(first, second)
    parts = [partition(network, dom, backend=backend, progress=progress) for network in (first, second)]
    networks = parts[0].network, parts[1].network
    joint = joined(*networks)
    if is_large(joint, max(map(len, parts))):
        merged = without_copies(joint, dom, occurring(parts), len(networks[0].nodes))
        part = partition(merged.network, dom, backend=backend, progress=progress)
        named = _named_equality(networks, part, merged)
        if named is not None:
            return EqualNetworks(networks, Certificate(joint, dom, named[0], known_bounds=named[1]))
        different = _difference(networks, joint, certify(part, progress=progress))
        if different is not None:
            return different
    proven = certify(partition(joint, dom, backend=backend, progress=progress), vertices="exact", progress=progress)
    return _difference(networks, joint, proven) or EqualNetworks(networks, proven)


# ---- private -------------------------------------------------------------------------------------------------------
def _certificate(part: Partition | Certificate, progress: Progress | None) -> Certificate:
    inputs.progress(progress)
    if isinstance(part, Certificate):
        return part
    return certify(
        instance("part", part, Tiling, "Use cpwl.partition, or cpwl.certify.", "Partition"), progress=progress
    )


def _room(proven: Certificate, width: Fraction) -> Fraction:
    """How much wider bounds are claimed than they were found: for checkers that compute a little less closely."""
    return (
        Fraction(1, 1 << 3 * proven.listing.bits // 4) + 8 * width if isinstance(proven.listing, Naming) else width * 0
    )


def _named_equality(
    networks: tuple[Network, Network], part: Partition, merged: WithoutCopies
) -> tuple[Naming, Bounds] | None:
    """The proof by named vertices that the networks are equal, and bounds at these; None where there is none."""
    naming = by_name.naming_of(part)
    if naming is None or (np.abs(part.outputs.to_numpy()).max(axis=1) > part.outputs.errors()).any():
        return None
    return by_name.proved_equal(networks, part.domain, merged.named(naming))


def _difference(networks: tuple[Network, Network], joint: Network, proven: Certificate) -> DifferentNetworks | None:
    """What two networks differ by at, or beside, the vertex where they differ most; None if they are equal there."""
    vertex, output = _largest(*proven.bounds)
    u = proven.near(vertex)
    difference = _outputs(joint, proven.domain, u)[output]
    return None if difference == 0 else DifferentNetworks(networks, proven.domain, output, u, difference)


def _leads(proven: Certificate, winner: int) -> NDArray[Any]:
    """By how much one output is larger than all others at each vertex, at least, Fractions (V,)."""
    low, high = proven.bounds
    leads: NDArray[Any] = low[:, winner] - np.delete(high, winner, axis=1).max(axis=1)
    return leads


def _points_at(proven: Certificate, vertex: int) -> Iterator[NDArray[Any]]:
    """A rational point very near a vertex, and then, if it is another one, the vertex itself."""
    near = proven.near(vertex)
    yield near
    if proven.vertices == "named":
        (region,) = proven.partition.locate(near).tolist()
        corners = proven.partition.region(region).exact_vertices
        yield corners[((corners - near) ** 2).sum(axis=1).argmin()]


def _counterexample(proven: Certificate, winner: int, u: NDArray[Any]) -> DecisionCounterexample | None:
    """The refutation at a point, where outputs are computed exactly; None if it refutes nothing."""
    logits = _outputs(proven.network, proven.domain, u)
    rivals = np.delete(logits, winner)
    other = int(rivals.argmax())
    if rivals[other] < logits[winner]:
        return None
    return DecisionCounterexample(proven.network, proven.domain, winner, other + (other >= winner), u, logits)


def _with_more_bits(proven: Certificate) -> Iterator[Certificate]:
    """The same by named vertices with closer and closer bounds."""
    naming = proven.listing
    if isinstance(naming, Naming):
        for bits in (bits for bits in by_name.BITS if bits > naming.bits):
            wide = replace(naming, bits=bits)
            yield replace(proven, listing=wide, known_bounds=by_name.proved(proven.network, proven.domain, wide))


def _largest(low: NDArray[Any], high: NDArray[Any]) -> tuple[int, int]:
    """The vertex and the output whose magnitude, between two bounds, is surely the largest."""
    vertex, output = divmod(int(np.maximum(low, -high).argmax()), low.shape[1])
    return vertex, output


def _outputs(network: Network, domain: Domain, u: NDArray[Any]) -> NDArray[Any]:
    """The exact outputs at a point, Fractions (m,)."""
    arithmetic = ExactArithmetic()
    places = arithmetic.linear(embedding(domain), [arithmetic.points(u[None])])
    logits: NDArray[Any] = evaluate(network, arithmetic, places).to_numpy()[0]
    return logits


def _output(name: str, value: int, network: Network) -> int:
    return whole(name, value, 0, network.outputs - 1)


def _near(u: NDArray[Any]) -> str:
    return f"u near ({', '.join(f'{float(x):.6g}' for x in u)})"


def _stated(kind: str, networks: Sequence[Network], domain: Domain, claim: Entry, version: int | None = None) -> Entry:
    from ..claims.document import document

    return document(kind, tuple(networks), domain, claim, version)


def _proved(kind: str, networks: Sequence[Network], proven: Certificate, claim: Entry) -> Entry:
    from ..claims.document import proof

    version = 3 if proven.vertices == "named" else None
    return {**_stated(kind, networks, proven.domain, claim, version), "proof": proof(proven.listing)}
