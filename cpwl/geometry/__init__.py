"""Geometry that knows of no network: polytopes, domains, the abstract ``Arrangement``, halfspaces, exact points."""
