"""Weights as float64 words: read as the numbers that they stand for, and nothing else is read; limits of their own."""

from __future__ import annotations

import base64
import gzip
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cpwl
from cpwl import Certificate, certify, checker
from cpwl.claims.entries import network_entry, network_of
from cpwl.errors import ArgumentError
from cpwl.network import digest
from cpwl.network import network as networks
from cpwl.partitions.compute import partition
from tests.support.certify_inputs import SQUARE, he_network
from tests.support.checker_inputs import Document, documents, encoded, every_operator
from tests.support.float_words import in_words, numbers, weights_of, words
from tests.support.named_inputs import named_documents
from tests.support.solid_inputs import solids

FINITE = st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0)
FEW = st.sampled_from([0.0, 1.0, -3.5, 5e-324, -5e-324, 2.0**-1022, -1e-310, 1.7e308, 2.0**60, 1 / 3])
"""Subnormal numbers, powers of two, the largest: what has its own rule in the format of a word."""


@pytest.fixture(scope="module")
def known() -> dict[str, Document]:
    return dict((*documents(), *solids(), *named_documents()))


def read(text: Any, count: int) -> checker.Scaled:
    shape, (length, made) = checker.weights({"shape": [count], "floats": text}, "weight")
    numerators, scale = made()
    assert shape == (count,) and max(x.bit_length() for x in numerators) <= length
    return numerators, scale


@given(st.lists(FINITE | FEW, min_size=1, max_size=6))
def test_words_are_the_numbers_that_they_stand_for(values: list[float]) -> None:
    numerators, scale = read(words(values), len(values))
    assert [Fraction(x, scale) for x in numerators] == [Fraction(x) for x in values]
    assert (numerators, scale) == checker.common_scale([x.as_integer_ratio() for x in values])


@pytest.mark.parametrize(
    "text",
    [
        words([float("inf")]),
        words([float("-inf")]),
        words([float("nan")]),
        base64.b64encode(b"\x01" + bytes(5) + b"\xf0\xff").decode(),
        words([-0.0]),
        words([1.0, 2.0]),
        "",
        words([1.0])[:-1],
        words([1.0])[:-2] + "9=",
        words([1.0]) + "\n",
        words([1.0]).replace("=", ""),
        base64.urlsafe_b64encode(b"\xff\xff\xff" + bytes(5)).decode(),
        base64.b64encode(bytes(7)).decode(),
        "é" * 12,
        None,
        1,
        [1],
    ],
)
def test_other_words_are_malformed(text: Any) -> None:
    with pytest.raises(checker.Malformed):
        read(text, 1)


def test_the_limits_of_a_certificate_hold_for_all_that_is_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "MAX_BYTES", 1000)
    many, few = b'{"floats":"' + b"A" * 5000 + b'"}', b'{"values":"' + b"A" * 5000 + b'"}'
    for wrap in (bytes, gzip.compress):
        assert len(checker.parse(wrap(many), 10_000)["floats"]) == 5000
        short = b"[" + b",".join([b'{"floats":"' + b"A" * 4000 + b'"}'] * 2) + b"]"
        beside = b"[" + many + b"," + b"1," * 600 + b"1]"
        for data, most in ((few, 10_000), (many, 0), (many, 4000), (short, 10_000), (beside, 10_000)):
            with pytest.raises(checker.Malformed, match="bytes"):
                checker.parse(wrap(data), most)


@pytest.mark.parametrize("kept", [0, 1 << 20])
@pytest.mark.parametrize("flint", [True, False])
def test_certificates_say_the_same_in_words(
    known: dict[str, Document], kept: int, flint: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where large weights are made anew each time that they are wanted."""
    monkeypatch.setattr(checker, "KEPT_WEIGHTS", kept)
    if not flint:
        monkeypatch.setattr(checker.Matrix, "flint", None)
    for name, document in known.items():
        other = in_words(document)
        assert weights_of(other) and all("values" not in weight for weight in weights_of(other))
        said, again = (checker.check(encoded(each)).partition("; network")[0] for each in (document, other))
        assert said == again, name


def test_a_changed_word_is_another_network(known: dict[str, Document]) -> None:
    wrong = in_words(known["named-partition"])
    weight = weights_of(wrong)[0]
    values = numbers(weight["floats"])
    weight["floats"] = words([np.nextafter(values[0], 9.0), *values[1:]])
    with pytest.raises(checker.Rejected, match="rule 1"):
        checker.check(encoded(wrong))


def test_large_networks_are_written_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    net = every_operator(3)
    before = net.sha256, network_entry(net)
    monkeypatch.setattr(networks, "MANY", 1)
    other = cpwl.network.Network(net.nodes)
    entry = network_entry(other)
    assert entry["nodes"] == in_words({"networks": [before[1]]})["networks"][0]["nodes"]
    assert entry["sha256"] == digest.digest(entry["nodes"]) != before[0]
    assert network_of(entry).sha256 == other.sha256
    certificate = certify(partition(other, SQUARE))
    certificate.save(tmp_path / "c.json.gz", networks=tmp_path / "nets")
    (file,) = (tmp_path / "nets").iterdir()
    assert file.name == f"{other.sha256}.json" and "floats" in file.read_text()
    assert checker.main([str(tmp_path / "c.json.gz"), str(file)]) == 0
    certificate.save(tmp_path / "whole.json")
    assert Certificate.load(tmp_path / "whole.json").verified and certificate.check()


def test_a_network_that_is_too_large_for_a_certificate_has_a_file_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(networks, "MANY", 1)
    certificate = certify(
        partition(he_network(0, [2, 64, 64, 2], ["relu", "relu"]), cpwl.Domain.box([0, 0], [2.0**-9] * 2))
    )
    document = certificate.document()
    size = len(json.dumps(document["networks"]))
    rest = len(json.dumps({**document, "networks": []}))
    assert rest + 2000 < size
    monkeypatch.setattr(checker, "MAX_BYTES", size - 10)
    with pytest.raises(ArgumentError, match="networks=FOLDER"):
        certificate.save(tmp_path / "c.json")
    certificate.save(tmp_path / "c.json", networks=tmp_path / "nets")
    assert checker.main([str(tmp_path / "c.json"), *map(str, (tmp_path / "nets").iterdir())]) == 0
    assert certificate.check()


def test_negative_zeros_are_written_as_zeros() -> None:
    entry = digest._words(np.array([-0.0, 1.0]))
    assert numbers(entry["floats"]) == [0.0, 1.0] and read(entry["floats"], 2) == ([0, 1], 1)
    assert digest.floats(entry["floats"]).tolist() == [0.0, 1.0]
