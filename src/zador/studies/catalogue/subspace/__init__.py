"""Protocol B as work that studies do: a signal in four of 256 dimensions, three ways to train on it, and its tables."""
