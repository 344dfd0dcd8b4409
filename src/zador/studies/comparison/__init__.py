"""Everything of `zador compare`: methods, each a way from vectors and a rate to a quantizer, set side by side."""
