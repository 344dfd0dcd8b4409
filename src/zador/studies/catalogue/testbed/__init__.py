"""The testbed of protocol A as work that studies do: its source, its methods, its limits, and the reports' tables."""
