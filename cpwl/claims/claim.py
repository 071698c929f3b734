"""What every certificate can do: give its document, write its file, ask the independent checker."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from os import PathLike
from pathlib import Path
from typing import Any

from .. import checker
from ..errors import VerificationError
from ..runtime import inputs
from ..runtime.ieee import ieee
from ..storage.files import named_as
from .document import naming_networks, write, write_named


@ieee
class Claim(ABC):
    """A claim about networks on a domain that a file can prove (proofs/certificate-format.md)."""

    @abstractmethod
    def document(self) -> dict[str, Any]:
        """The certificate as JSON, format version 1: no number in it is rounded."""

    def save(self, path: str | PathLike[str], *, networks: str | PathLike[str] | None = None) -> Path:
        """Writes the certificate, JSON, compressed by gzip when the name ends in .gz; returns its path.

        ``networks``, when given, is a folder: every network is written there, to a file named by its SHA-256, and the
        certificate only names it. ``cpwl check`` decides certificates without the library (cpwl/checker.py).
        ``ArgumentError`` for a name with an ending that says another format, such as .npz.
        """
        file = named_as(path, "a certificate, JSON", ".json", ".gz")
        folder = None if networks is None else inputs.path("networks", networks)
        with checker.uncollected():
            if folder is None:
                write(file, self.document())
            else:
                write_named(file, self.document(), folder)
        return Path(path)

    def check(self) -> str:
        """What the independent checker says is proved; raises ``VerificationError`` if it rejects the certificate."""
        document = self.document()
        certificate, *networks = (
            json.dumps(entry, separators=(",", ":")).encode("ascii")
            for entry in (naming_networks(document), *document["networks"])
        )
        try:
            return checker.check(certificate, networks)
        except (checker.Rejected, checker.Malformed) as error:
            raise VerificationError(f"the checker does not accept the certificate: {error}") from error
