"""Certificates: a partition, float or not, turned into a list of exact polygons that is proved to be the partition.

``lift`` proposes exact polygons, ``criterion`` decides (proofs/, Theorem 2), ``repair`` replaces what fails, ``prove``
does it all in order; ``certificate`` is the result. ``vertices`` are the claims that such a partition proves,
``samples`` are points on a boundary. ``document`` writes their files, which ``cpwl.checker`` decides. Only the light
ones are imported here, so that importing this package loads no exact backend.
"""

from ..boundary.exact_samples import BoundarySamples, certify_samples
from ..boundary.sample import CertifiedSample, FloatNeighbour
from ..claims.claim import Claim
from .certificate import Certificate
from .extrema_and_equality import (
    ConstantDecision,
    DecisionCounterexample,
    DifferentNetworks,
    EqualNetworks,
    Extremum,
    certify_constant,
    certify_equal,
    certify_extremum,
)
from .prove import certify

__all__ = [
    "BoundarySamples",
    "Certificate",
    "CertifiedSample",
    "Claim",
    "ConstantDecision",
    "DecisionCounterexample",
    "DifferentNetworks",
    "EqualNetworks",
    "Extremum",
    "FloatNeighbour",
    "certify",
    "certify_constant",
    "certify_equal",
    "certify_extremum",
    "certify_samples",
]
