"""The road from the peers: their quantizers as layers, read from their weights; one peer a file."""

from __future__ import annotations

from zador.layers.migration.dac import from_dac
from zador.layers.migration.encodec import from_encodec
from zador.layers.migration.vector_quantize_pytorch import from_vector_quantize_pytorch

__all__ = ["from_dac", "from_encodec", "from_vector_quantize_pytorch"]
