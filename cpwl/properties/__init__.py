"""Properties of networks: specifications, VNN-LIB files, and whether they hold, by proof or by counterexample."""
