"""How a codebook starts: one method a file."""
