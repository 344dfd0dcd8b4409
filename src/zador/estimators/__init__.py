"""How a gradient crosses a quantizer: functions (x, q) → y, one a file, each under its own name and source."""
