"""No codebook of K points does better: lower bounds on the distortion of fixed-rate codebooks."""
