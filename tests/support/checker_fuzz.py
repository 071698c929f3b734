"""Certificates that are changed at random, and whether what one claims is true: found without the checker.

    python -m tests.support.checker_fuzz COUNT [SEED [VERSION]]

checks COUNT changed certificates and files (of one version of the format, or of all), and prints how each kind of
change ended. Accepted must be true.
"""

from __future__ import annotations

import copy
import gzip
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl import checker
from cpwl.backends.exact import ExactArithmetic
from cpwl.claims.domains import domain_of
from cpwl.claims.entries import fraction, network_of
from cpwl.errors import DomainError, FileFormatError
from cpwl.fields.arithmetic import embedding, evaluate
from cpwl.geometry.domain import Domain, exactly
from cpwl.network import Network
from cpwl.network.digest import digest
from cpwl.partitions.compute import partition
from cpwl.partitions.partition import Partition
from tests.support.checker_inputs import Document, documents, encoded
from tests.support.float_words import numbers, words
from tests.support.named_inputs import OF_NAMES, coordinates, named_documents, samples_are_true, with_coordinates
from tests.support.simplex_fuzz import OF_SIMPLICES, simplices_are_true
from tests.support.solid_inputs import solids

Random = random.Random
Place = tuple[Any, Any]
"""A container and the key of one of its members."""


# ---- changes of one token ------------------------------------------------------------------------------------------
def members(value: Any) -> Iterator[Place]:
    """All members of a JSON value, at all depths."""
    keys: Any = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from members(value[key])


def token(document: Document, rng: Random) -> None:
    """Changes, removes or doubles one member of the document."""
    container, key = rng.choice(list(members(document)))
    edit = rng.choice((replaced, replaced, replaced, removed, doubled))
    edit(container, key, document, rng)


def replaced(container: Any, key: Any, document: Document, rng: Random) -> None:
    value = container[key]
    if rng.random() < 0.1:
        container[key] = rng.choice([None, True, 0, -1, "", "1", [], {}, ["1", "2"], [[]], {"shape": [], "values": []}])
    elif isinstance(value, bool | int):
        container[key] = rng.choice([value + 1, value - 1, 0, -1, 10**11, str(value), True, None])
    elif isinstance(value, str):
        container[key] = other_text(value, document, rng)
    elif isinstance(value, list) and len(value) > 1:
        i, j = rng.sample(range(len(value)), 2)
        value[i], value[j] = value[j], value[i]
    else:
        container[key] = rng.choice([None, [], {}, "", 0])


def other_text(value: str, document: Document, rng: Random) -> str:
    others = [container[key] for container, key in members(document) if isinstance(container[key], str)]
    try:
        number = Fraction(value)
    except ValueError:
        return rng.choice([value[:-1], value.upper(), "", rng.choice(others)])
    step = rng.choice([Fraction(1), Fraction(-1), Fraction(1, 2**53), Fraction(-1, 2**60), -2 * number, number])
    return rng.choice(
        [str(number + step), str(number + step), rng.choice(others), value + "0", "0" + value, "-" + value]
    )


def removed(container: Any, key: Any, document: Document, rng: Random) -> None:
    del container[key]


def doubled(container: Any, key: Any, document: Document, rng: Random) -> None:
    if isinstance(container, list):
        container.insert(key, copy.deepcopy(container[key]))
    else:
        container[f"{key}2"] = container[key]


# ---- changes of the tiling, the network, the domain ----------------------------------------------------------------
def listed(document: Document) -> list[list[int]]:
    regions: list[list[int]] = document["proof"]["regions"]
    return regions


def drop(document: Document, rng: Random) -> None:
    listed(document).pop(rng.randrange(len(listed(document))))


def twice(document: Document, rng: Random) -> None:
    listed(document).append(rng.choice(listed(document)))


def in_place_of_another(document: Document, rng: Random) -> None:
    regions = listed(document)
    regions[rng.randrange(len(regions))] = rng.choice(regions)


def split(document: Document, rng: Random) -> None:
    regions = listed(document)
    r = rng.randrange(len(regions))
    region = regions[r]
    if len(region) > 3:
        i = rng.randrange(2, len(region) - 1)
        regions[r : r + 1] = [region[: i + 1], [region[0], *region[i:]]]
        return
    vertices = document["proof"]["vertices"]
    middle = [sum(Fraction(vertices[v][axis]) for v in region) / 3 for axis in (0, 1)]
    vertices.append(list(map(str, middle)))
    regions[r : r + 1] = [[v, w, len(vertices) - 1] for v, w in zip(region, region[1:] + region[:1])]


def merge(document: Document, rng: Random) -> None:
    """Joins two regions that share an edge, or two others."""
    regions = listed(document)
    one = rng.choice(regions)
    neighbours = [r for r in regions if r is not one and len(set(r) & set(one)) == 2]
    if neighbours:
        other = rng.choice(neighbours)
        vertices = document["proof"]["vertices"]
        corners = sorted({*one, *other})
        centre = [sum(Fraction(vertices[v][axis]) for v in corners) / len(corners) for axis in (0, 1)]
        offsets = {v: [float(Fraction(vertices[v][axis]) - centre[axis]) for axis in (0, 1)] for v in corners}
        regions.remove(one)
        regions[regions.index(other)] = sorted(corners, key=lambda v: np.arctan2(offsets[v][1], offsets[v][0]))


def move(document: Document, rng: Random) -> None:
    point = rng.choice(document["proof"]["vertices"])
    axis = rng.randrange(2)
    point[axis] = str(Fraction(point[axis]) + rng.choice([-1, 1]) * Fraction(1, 2 ** rng.choice([53, 53, 80, 10])))


def wind_twice(document: Document, rng: Random) -> None:
    region = rng.choice(listed(document))
    region += region


def shuffle(document: Document, rng: Random) -> None:
    """Another order of the regions and other first corners: harmless."""
    regions = [r[k:] + r[:k] for r in listed(document) for k in [rng.randrange(len(r))]]
    rng.shuffle(regions)
    document["proof"]["regions"] = regions


def weight(document: Document, rng: Random) -> None:
    """Another weight, with the SHA-256 of the network that it makes."""
    network = rng.choice(document["networks"])
    in_words = [node["weight"] for node in network["nodes"] if "floats" in node.get("weight", ())]
    if in_words and rng.random() < 0.7:
        word(rng.choice(in_words), rng)
        network["sha256"] = digest(network["nodes"])
        return
    tables = [(c, k) for c, k in members(network["nodes"]) if isinstance(c, list) and isinstance(c[k], str)]
    container, key = rng.choice(tables)
    step = rng.choice([-1, 1]) * Fraction(1, 2 ** rng.choice([0, 3, 20, 40]))
    container[key] = str(Fraction(container[key]) + step)
    network["sha256"] = digest(network["nodes"])


def word(entry: Any, rng: Random) -> None:
    """Another word of a weight, one more or less, or another string."""
    values = numbers(entry["floats"])
    i, near = rng.randrange(len(values)), rng.choice([-1, 1]) * 2.0 ** -rng.choice([0, 3, 20, 40])
    others = [float("inf"), float("nan"), -0.0, 0.0, 5e-324, 1e300, 2.0**60, -values[i], values[i] / 2]
    values[i] = rng.choice([values[i] + near] * 9 + others)
    edit = rng.random()
    if edit < 0.1:
        values.insert(i, values[i])
    elif edit < 0.2 and len(values) > 1:
        del values[i]
    entry["floats"] = words(values)
    if edit > 0.9:
        entry["floats"] = entry["floats"].replace(*rng.choice([("=", ""), ("A", "+"), ("A", " "), ("w", "x")]), 1)


def plane(document: Document, rng: Random) -> None:
    """Another corner of the domain, origin or basis."""
    tables = [(c, k) for c, k in members(document["domain"]) if isinstance(c[k], str)]
    container, key = rng.choice(tables)
    step = rng.choice([-1, 1]) * Fraction(1, 2 ** rng.choice([0, 2, 20, 40]))
    container[key] = str(Fraction(container[key]) + step)


def recount(document: Document) -> None:
    if isinstance(document["claim"], dict) and "regions" in document["claim"]:
        document["claim"]["regions"] = len(document["proof"]["regions"])


OF_TILINGS: tuple[Callable[[Document, Random], None], ...] = (
    drop, twice, in_place_of_another, split, merge, move, wind_twice, shuffle,
)  # fmt: skip
OF_ALL: tuple[Callable[[Document, Random], None], ...] = (token, token, token, weight, plane)


def mutated(document: Document, rng: Random) -> tuple[str, Document]:
    """A changed copy, and the name of the change."""
    result = copy.deepcopy(document)
    tilings = {1: OF_TILINGS, 2: OF_SIMPLICES, 3: OF_NAMES}[document["version"]]
    change = rng.choice(OF_ALL + (tilings if "proof" in document else ()))
    change(result, rng)
    if change in tilings:
        recount(result)
    return change.__name__, result


def scrambled(data: bytes, rng: Random) -> bytes:
    """A file with some bytes changed, removed or put in; compressed before or after, or not."""
    late = rng.random() < 0.2
    result = bytearray(gzip.compress(data, mtime=0) if late else data)
    for _ in range(rng.choice([1, 1, 1, 2, 8])):
        i, edit = rng.randrange(len(result)), rng.randrange(4)
        if edit == 0:
            result[i] ^= 1 << rng.randrange(8)
        elif edit == 1:
            del result[max(i, 1) : i + rng.choice([1, 1, 5, 100])]
        elif edit == 2:
            result[i:i] = rng.choice(
                [b"0", b"-", b"/", b'"', b"[", b"]", b"{", b",", b"1e9", b"NaN", b"null", b"\\", b"\xff"]
            )
        else:
            del result[i + 1 :]
    return gzip.compress(bytes(result), mtime=0) if not late and rng.random() < 0.2 else bytes(result)


# ---- the truth -----------------------------------------------------------------------------------------------------
def is_false(document: Document) -> bool:
    """Whether a claim (not its proof) is false, by the exact backend and exact evaluation.

    Not if a number of the network or the domain is no float64, or the plane is a line, or the domain of a sample is
    unbounded: the format has such, the library has not.
    """
    beyond = ("must be a float64 number", "linearly independent", "must bound a polytope")
    try:
        networks = [network_of(entry) for entry in document["networks"]]
        domain = domain_of(document["domain"], networks[0])
    except (FileFormatError, DomainError) as error:
        if any(reason in str(error) for reason in beyond):
            return False
        raise
    return not TRUTH[document["kind"]](networks, domain, document)


def values(network: Network, domain: Domain, points: Any) -> NDArray[Any]:
    """The exact outputs at points given as strings."""
    arithmetic = ExactArithmetic()
    coordinates = np.array([[fraction(x) for x in point] for point in points], dtype=object)
    return evaluate(
        network, arithmetic, arithmetic.linear(embedding(domain), [arithmetic.points(coordinates)])
    ).to_numpy()


def inside(domain: Domain, points: Any) -> bool:
    if domain.dim != 2:
        return all(domain.polytope.contains([fraction(x) for x in point]) for point in points)
    corners = exactly(domain.polytope.vertices).tolist()
    return all(
        (q[0] - p[0]) * (fraction(y) - p[1]) >= (q[1] - p[1]) * (fraction(x) - p[0])
        for x, y in points
        for p, q in zip(corners, corners[1:] + corners[:1])
    )


def exact(network: Network, domain: Domain) -> Partition:
    """The partition by the exact backend, kept for the next question about it."""
    key = network.sha256, domain.polytope.vertices.tobytes(), domain.origin.tobytes(), domain.basis.tobytes()
    if key not in _EXACT:
        if len(_EXACT) > 50:
            _EXACT.clear()
        _EXACT[key] = partition(network, domain, backend="exact")
    return _EXACT[key]


_EXACT: dict[tuple[str, bytes, bytes, bytes], Partition] = {}


def partition_is_true(networks: list[Network], domain: Domain, document: Document) -> bool:
    if document["version"] == 3:
        document = with_coordinates(document)
    if document["version"] == 2:
        return simplices_are_true(networks, domain, document)
    found, proof = exact(networks[0], domain), document["proof"]
    points = [tuple(map(fraction, point)) for point in proof["vertices"]]
    cells = [frozenset(points[v] for v in region) for region in proof["regions"]]
    wanted = {frozenset(tuple(found.vertices[v]) for v in region) for region in found.regions}
    return set(cells) == wanted and len(cells) == len(wanted) == document["claim"]["regions"]


def extremum_is_true(networks: list[Network], domain: Domain, document: Document) -> bool:
    claim, outputs = document["claim"], exact(networks[0], domain).outputs.to_numpy()
    largest = max if claim["sense"] == "maximum" else min
    if document["version"] == 3:
        low, high = fraction(claim["low"]), fraction(claim["high"])
        here = values(networks[0], domain, [list(map(str, coordinates(document)[claim["vertex"]]))])[0, claim["output"]]
        return bool(low <= largest(outputs[:, claim["output"]]) <= high and low <= here <= high)
    place = document["proof"]["vertices"][claim["vertex"]]
    here = values(networks[0], domain, [place])[0, claim["output"]]
    return bool(largest(outputs[:, claim["output"]]) == fraction(claim["value"]) == here and inside(domain, [place]))


def constant_is_true(networks: list[Network], domain: Domain, document: Document) -> bool:
    outputs, label = exact(networks[0], domain).outputs.to_numpy(), document["claim"]["class"]
    return bool((np.delete(outputs, label, axis=1) < outputs[:, [label]]).all())


def counterexample_is_true(networks: list[Network], domain: Domain, document: Document) -> bool:
    claim = document["claim"]
    row = values(networks[0], domain, [claim["point"]])[0]
    return bool(
        inside(domain, [claim["point"]])
        and claim["class"] != claim["other"]
        and row[claim["other"]] >= row[claim["class"]]
    )


def pairs_are_true(networks: list[Network], domain: Domain, document: Document) -> bool:
    if document["version"] == 3:
        return samples_are_true(networks, domain, document)
    points, pairs = document["claim"]["points"], document["claim"]["pairs"]
    if not points:
        return not pairs
    rows = values(networks[0], domain, points)
    equal = all(i != j and row[i] == row[j] for row, (i, j) in zip(rows, pairs))
    largest = document["kind"] == "equality-sample" or all(row[i] == max(row) for row, (i, _) in zip(rows, pairs))
    return len(points) == len(pairs) and inside(domain, points) and equal and largest


def level_is_true(networks: list[Network], domain: Domain, document: Document) -> bool:
    points, level = document["claim"]["points"], fraction(document["claim"]["level"])
    return not points or (
        inside(domain, points) and all(row[0] == level for row in values(networks[0], domain, points))
    )


def equality_is_true(networks: list[Network], domain: Domain, document: Document) -> bool:
    from cpwl.network.joint import joined

    return not exact(joined(*networks), domain).outputs.to_numpy().any()


def difference_is_true(networks: list[Network], domain: Domain, document: Document) -> bool:
    place, output = [document["claim"]["point"]], document["claim"]["output"]
    first, second = (values(network, domain, place)[0, output] for network in networks)
    return inside(domain, place) and bool(first != second)


TRUTH: dict[str, Callable[[list[Network], Domain, Document], bool]] = {
    "partition": partition_is_true,
    "extremum": extremum_is_true,
    "constant-decision": constant_is_true,
    "decision-counterexample": counterexample_is_true,
    "boundary-sample": pairs_are_true,
    "equality-sample": pairs_are_true,
    "level-sample": level_is_true,
    "equal-networks": equality_is_true,
    "different-networks": difference_is_true,
}


def verdict(data: bytes) -> str:
    """The checker's verdict in one word; any other exception than its own two is a fault."""
    try:
        checker.check(data)
    except checker.Rejected:
        return "rejected"
    except checker.Malformed:
        return "malformed"
    return "accepted"


def main(count: int, seed: int = 0, version: int | None = None) -> None:
    rng, found = Random(seed), Counter[tuple[str, str]]()
    known = [
        document
        for _, document in (*documents(), *solids(), *named_documents())
        if version in (None, document["version"])
    ]
    for _ in range(count):
        document = rng.choice(known)
        if rng.random() < 0.25:
            data = scrambled(encoded(document), rng)
            answer = verdict(data)
            found["bytes", answer] += 1
            assert answer != "accepted" or not is_false(checker.parse(data)), data
            continue
        change, wrong = mutated(document, rng)
        answer = verdict(encoded(wrong))
        found[change, answer] += 1
        assert answer != "accepted" or not is_false(wrong), wrong
    for (change, answer), number in sorted(found.items()):
        print(f"{change:20} {answer:10} {number:8}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
