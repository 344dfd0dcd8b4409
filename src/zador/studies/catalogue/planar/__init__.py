"""Training in the plane, where vectors, encodings and codewords share two coordinates and everything can be seen."""
