"""What the estimator zoo is made of: sources, a common start, ways to put an estimator into a model, figures, cost."""
