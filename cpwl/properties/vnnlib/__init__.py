"""VNN-LIB: queries about networks as the verification competitions write them."""
