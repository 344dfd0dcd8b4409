"""How a codebook moves: each learner is pure, init and step returning (state, info)."""
