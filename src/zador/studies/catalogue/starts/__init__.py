"""Runs that differ in how the codebook starts: places, starts, three learners, and what is noted along the way."""
