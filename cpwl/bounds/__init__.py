"""Proven bounds on what is left of a network, on each region of an arrangement; and which regions they make irrelevant.

A region is given by its corners, and every bound as two tables of values there (proofs/, Lemma 18).
"""
