"""Indices to real bits and back: entropy models, and the token file. Bits are per vector wherever a rate is stated."""

from zador.coding.memory import coded_bits, pack, unpack
from zador.coding.models import Adaptive, EntropyModel, OrderOne, Static
from zador.coding.reader import TokenReader
from zador.coding.streams import Streams, StreamSpec
from zador.coding.writer import TokenWriter

__all__ = [
    "Adaptive",
    "EntropyModel",
    "OrderOne",
    "Static",
    "StreamSpec",
    "Streams",
    "TokenReader",
    "TokenWriter",
    "coded_bits",
    "pack",
    "unpack",
]
