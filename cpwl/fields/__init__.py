"""What backends compute with at vertices, abstractly: ``Arithmetic`` on fields, the names of exact functions, decisions
about them, and which entries are one function. May use geometry, networks and what is below them; no backend.
"""
