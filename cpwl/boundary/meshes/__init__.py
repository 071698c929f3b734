"""Surfaces in three dimensions as meshes: polygons that meet exactly, oriented, measured, and written to files."""
