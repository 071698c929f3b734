"""Executable counterparts of ``proofs/``, and the proofs in Coq."""
