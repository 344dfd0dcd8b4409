"""Layers: where a hard quantizer, an estimator, a learner and losses meet."""
