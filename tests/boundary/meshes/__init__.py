"""Tests of cpwl/boundary/meshes."""
