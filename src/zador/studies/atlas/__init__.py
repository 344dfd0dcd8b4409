"""The gradient atlas: what estimators send back, against the exact gradient of the expected loss, at known places."""
