"""How a codebook moves: each learner is pure, `init` and `step` return states; on the host, `step` says what it saw, too."""
