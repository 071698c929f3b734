"""Handlers of ATen operators: each says which nodes of the network an operator becomes."""
