"""Changes of certificates, documents of JSON, from which those that are to be rejected are made."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from cpwl.network.digest import digest
from tests.support.checker_inputs import Document

Change = Callable[[Document], None]


def changed(document: Document, change: Change) -> Document:
    """A copy of a document with a change."""
    result = copy.deepcopy(document)
    change(result)
    return result


def put(value: Any, *path: Any) -> Change:
    """The change that puts a value at a place."""

    def change(document: Document) -> None:
        place: Any = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


def renamed(change: Change) -> Change:
    """A change of the networks, with their SHA-256 as it should be."""

    def both(document: Document) -> None:
        change(document)
        for network in document["networks"]:
            network["sha256"] = digest(network["nodes"])

    return both


def in_regions(change: Callable[[list[list[int]], Document], None]) -> Change:
    """A change of the regions, whose number is claimed as it then is."""

    def both(document: Document) -> None:
        change(document["proof"]["regions"], document)
        document["claim"]["regions"] = len(document["proof"]["regions"])

    return both
