"""Who does the work of a refinement: compiled loops, or tensor operations, behind one interface.

``kernel`` says what the work is, each of the others does it, and ``choice`` has the list of them.
"""
