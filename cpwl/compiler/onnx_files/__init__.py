"""ONNX files: read without trust, translated by a table of operators, checked against onnxruntime.

What the numbers of an ONNX model mean exactly:

* an initializer, a constant or an attribute is the number that is stored: a float32 weight its float32 value, a slope
  (an attribute, so a float32 number) its float32 value, and likewise the defaults of attributes;
* a constant computed from other constants is computed once, in the types of the file, as the standard's reference
  computes it; a weight that is quantised and dequantised in the file is what the file's own arithmetic gives;
* casts of what depends on the input, between floating-point types, are left out: the network is a function of real
  numbers;
* batch norm, division, means and average pools as in ``cpwl.compiler``.

A file that was exported from a torch module can be another exact function than the module: exporters fold batch norm
into float32 weights, and write slopes as float32 numbers.

``reader`` and ``external`` read files, ``translate`` makes the network with the handlers of ``layout``, ``linear``,
``activations`` and ``windows``, ``folding`` computes constants, ``oracle`` evaluates the original, ``refolding`` its
constants. Only ``reader`` and ``oracle`` import onnx and onnxruntime.
"""
