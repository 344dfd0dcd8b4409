"""The peer is vector-quantize-pytorch 1.32; what it has to log stays out of the output of tests."""

from __future__ import annotations

from loguru import logger

logger.disable("vector_quantize_pytorch")
