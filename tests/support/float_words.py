"""Certificates whose weights are float64 words, and the same with fractions: made without the library's own writer."""

from __future__ import annotations

import base64
import copy
import struct
from fractions import Fraction
from typing import Any

from cpwl.network.digest import digest
from tests.support.checker_inputs import Document


def words(values: list[float]) -> str:
    """The little-endian words of float64 numbers, in base64."""
    return base64.b64encode(struct.pack(f"<{len(values)}d", *values)).decode("ascii")


def numbers(text: str) -> list[float]:
    """The numbers of such words."""
    data = base64.b64decode(text)
    return list(struct.unpack(f"<{len(data) // 8}d", data))


def weights_of(document: Document) -> list[dict[str, Any]]:
    """The entries of all weights."""
    return [node["weight"] for network in document["networks"] for node in network["nodes"] if "weight" in node]


def in_words(document: Document) -> Document:
    """The same certificate with all weights as float64 words: then the network has another name."""
    result = copy.deepcopy(document)
    for weight in (weight for weight in weights_of(result) if "values" in weight):
        weight["floats"] = words([float(Fraction(text)) for text in weight.pop("values")])
    for network in result["networks"]:
        network["sha256"] = digest(network["nodes"])
    return result
