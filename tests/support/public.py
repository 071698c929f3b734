"""All that the library lets one call or read."""

from __future__ import annotations

import importlib
import re
from functools import cached_property
from inspect import isfunction
from pathlib import Path
from typing import Any

import cpwl


def public() -> dict[str, Any]:
    """Everything that the package exports or the reference documents, by name."""
    names = {f"cpwl.{name}" for name in cpwl.__all__} | {f"cpwl.analysis.{name}" for name in cpwl.analysis.__all__}
    for page in (Path(__file__).parents[2] / "docs" / "reference").glob("*.md"):
        names |= set(re.findall(r"auto(?:class|function):: (\S+)", page.read_text(encoding="utf-8")))
    found = {}
    for name in names - {"cpwl.analysis", "cpwl.CpwlError"}:
        module, _, attribute = name.rpartition(".")
        found[name] = getattr(importlib.import_module(module), attribute)
    return found


def members(kind: type) -> dict[str, Any]:
    """What a class of the library lets one call or read, inherited or its own."""
    owners = [owner for owner in kind.__mro__ if owner.__module__.startswith("cpwl")]
    found = {name: vars(owner)[name] for owner in reversed(owners) for name in vars(owner) if not name.startswith("_")}
    callables = (classmethod, staticmethod, property, cached_property)
    return {name: member for name, member in found.items() if isinstance(member, callables) or isfunction(member)}
