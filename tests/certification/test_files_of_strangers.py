"""What the library says of what its checker calls malformed: an error of its own, and never another one."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cpwl import Certificate, certify, checker
from cpwl.errors import ArgumentError, FileFormatError
from cpwl.network.digest import digest
from cpwl.partitions.compute import partition
from tests.support.certify_inputs import SQUARE, he_network
from tests.support.checker_fuzz import mutated, scrambled
from tests.support.checker_inputs import Document, encoded
from tests.support.float_words import numbers, weights_of, words


def known() -> dict[str, Document]:
    """Certificates of partitions that are accepted, of all versions."""
    files = sorted((Path(__file__).parents[1] / "certificates" / "accept").glob("*.json"))
    read = {path.stem: json.loads(path.read_text()) for path in files}
    return {name: document for name, document in read.items() if document["kind"] == "partition"}


def bits(value: Any) -> Callable[[Document], Any]:
    return lambda document: document["proof"].update(bits=value)


def weight_also_in_fractions(document: Document) -> None:
    weight = weights_of(document)[0]
    weight["values"] = ["1"] * len(numbers(weight["floats"]))
    rename(document)


def a_word_that_is_minus_zero(document: Document) -> None:
    weight = weights_of(document)[0]
    weight["floats"] = words([-0.0, *numbers(weight["floats"])[1:]])
    rename(document)


def a_number_of_too_many_digits(document: Document) -> None:
    next(node["bias"] for node in document["networks"][0]["nodes"] if "bias" in node)["values"][0] = "1" * 4001
    rename(document)


def a_node_with_more_than_it_has(document: Document) -> None:
    document["networks"][0]["nodes"][1]["note"] = []
    rename(document)


def rename(document: Document) -> None:
    network = document["networks"][0]
    network["sha256"] = digest(network["nodes"])


CHANGES: dict[str, Callable[[Document], Any]] = {
    **{f"bits {value!r}": bits(value) for value in (0, -1, 5000, True, None, "64", [64])},
    "a simplex in another order": lambda document: document["proof"]["regions"][0][0].reverse(),
    "a corner twice": lambda document: document["proof"]["regions"][0][0].__setitem__(
        1, document["proof"]["regions"][0][0][0]
    ),
    "a claim of more": lambda document: document["claim"].update(area="4"),
    "a proof of more": lambda document: document["proof"].update(area="4"),
    "more beside": lambda document: document.update(comment="4"),
    "a weight in words and in fractions": weight_also_in_fractions,
    "a word that is -0": a_word_that_is_minus_zero,
    "a number of too many digits": a_number_of_too_many_digits,
    "a node with more than it has": a_node_with_more_than_it_has,
}


def answer(data: bytes, folder: Path) -> str:
    """What the checker calls a file, after it has been shown that the library does not read what is malformed."""
    path = folder / "c.json"
    path.write_bytes(data)
    try:
        checker.check(data)
    except checker.Malformed as told:
        with pytest.raises(FileFormatError) as raised:
            Certificate.load(path)
        return f"{told} | {raised.value}"
    except checker.Rejected:
        return "rejected"
    return "accepted"


@pytest.mark.parametrize("name", CHANGES)
def test_a_file_that_is_malformed_is_not_read(name: str, tmp_path: Path) -> None:
    wrong = known()["named-words"]
    CHANGES[name](wrong)
    said, raised = answer(encoded(wrong), tmp_path).split(" | ")
    assert said in raised


def test_whatever_is_malformed_for_the_checker_is_an_error_of_the_library(tmp_path: Path) -> None:
    """Files of all versions, changed at random: in one token, one number with a name that fits, or some bytes."""
    rng, partitions = random.Random(4), list(known().values())
    answers = []
    for k in range(300):
        document = rng.choice(partitions)
        data = scrambled(encoded(document), rng) if k % 4 == 0 else encoded(mutated(document, rng)[1])
        answers.append(answer(data, tmp_path))
    assert sum(" | " in said for said in answers) > 75


def test_a_network_beyond_the_limits_is_an_error_of_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    part = partition(he_network(0, [2, 8, 8, 2], ["relu", "relu"]), SQUARE)
    monkeypatch.setattr(checker, "MAX_NODES", 3)
    with pytest.raises(ArgumentError, match=r"limits of a certificate.*2 to 3 nodes"):
        certify(part, vertices="named")
