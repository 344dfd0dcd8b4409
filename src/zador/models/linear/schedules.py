"""Schedules of learning rates, which all models share: see `zador.models.schedules`."""

from zador.models.schedules import Schedule, Warmup, constant, cosine

__all__ = ["Schedule", "Warmup", "constant", "cosine"]
