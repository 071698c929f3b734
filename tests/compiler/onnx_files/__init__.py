"""Tests of ``cpwl/compiler/onnx_files``."""
