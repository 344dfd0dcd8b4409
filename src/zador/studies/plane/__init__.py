"""Pictures of training in the plane: cells, ways of codewords, fields at a boundary, curves, and one that moves."""
