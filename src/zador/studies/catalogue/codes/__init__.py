"""Whatever turns vectors into indices and back, judged alike: tables, encoders with tables behind them, sums, grids."""
