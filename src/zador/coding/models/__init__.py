"""Entropy models: how probable the next index is, one a file."""

from zador.coding.models.adaptive import Adaptive
from zador.coding.models.base import EntropyModel
from zador.coding.models.order_one import OrderOne
from zador.coding.models.static import Static

__all__ = ["MODELS", "Adaptive", "EntropyModel", "OrderOne", "Static"]

MODELS: tuple[EntropyModel, ...] = (Static(), Adaptive(), OrderOne())
