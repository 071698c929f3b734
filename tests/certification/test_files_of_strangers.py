"""What the library says of what its checker calls malformed: an error of its own, and never another one."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cpwl import Certificate, certify, checker
from cpwl.errors import ArgumentError, VerificationError
from cpwl.partitions.compute import partition
from tests.support.certify_inputs import SQUARE, he_network
from tests.support.checker_inputs import Document, encoded
from tests.support.named_inputs import named_documents


@pytest.fixture(scope="module")
def good() -> Document:
    return dict(named_documents())["named-partition"]


def bits(value: Any) -> Callable[[Document], Any]:
    return lambda document: document["proof"].update(bits=value)


CHANGES: dict[str, Callable[[Document], Any]] = {
    **{f"bits {value!r}": bits(value) for value in (0, -1, 5000, True, None, "64", [64])},
    "a simplex in another order": lambda document: document["proof"]["regions"][0][0].reverse(),
    "a corner twice": lambda document: document["proof"]["regions"][0][0].__setitem__(
        1, document["proof"]["regions"][0][0][0]
    ),
}
"""What is well-formed for the library, which reads a listing as it is, and malformed for the checker."""


@pytest.mark.parametrize("name", CHANGES)
def test_a_file_that_is_malformed_is_not_verified(name: str, good: Document, tmp_path: Path) -> None:
    wrong = copy.deepcopy(good)
    CHANGES[name](wrong)
    data = encoded(wrong)
    with pytest.raises(checker.Malformed) as told:
        checker.check(data)
    (tmp_path / "c.json").write_bytes(data)
    claim = Certificate.load(tmp_path / "c.json")
    assert not claim.verified
    with pytest.raises(VerificationError) as raised:
        claim.verify()
    assert str(raised.value) == str(told.value)


def test_a_network_beyond_the_limits_is_an_error_of_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    part = partition(he_network(0, [2, 8, 8, 2], ["relu", "relu"]), SQUARE)
    monkeypatch.setattr(checker, "MAX_NODES", 3)
    with pytest.raises(ArgumentError, match=r"limits of a certificate.*2 to 3 nodes"):
        certify(part, vertices="named")
