"""Distortion against the number of codewords: curves, codebooks along them, and what theory says of them."""
