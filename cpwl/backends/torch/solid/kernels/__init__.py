"""Who does the rounds of a refinement in any dimension: compiled loops, or array operations, behind one interface.

``kernel`` says what the work is, each of the others does it, and ``choice`` has the list of them.
"""
