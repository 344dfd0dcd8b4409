"""The study behind a comparison: arms, rows, tables, plots, reports."""
