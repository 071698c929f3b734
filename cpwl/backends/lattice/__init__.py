"""Arrangements of any dimension by their faces: subdivided face lattices, and the one way in which they are cut.

What the backends share: combinatorics alone, numpy arrays of numbers of faces. Values at vertices are the backends'.
"""
