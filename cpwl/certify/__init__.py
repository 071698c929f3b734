"""Certificates: a partition, float or not, turned into a list of exact polygons that is proved to be the partition.

``lift`` proposes exact polygons, ``criterion`` decides (proofs/, Theorem 2), ``repair`` replaces what fails, ``prove``
does it all in order; ``certificate`` is the result, ``document`` its file; ``samples`` are points on a boundary. Only
the light ones are imported here, so that importing this package loads no exact backend.
"""

from .certificate import Certificate, certify
from .samples import CertifiedSample, certify_samples

__all__ = ["Certificate", "CertifiedSample", "certify", "certify_samples"]
