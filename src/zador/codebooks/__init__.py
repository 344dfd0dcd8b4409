"""Codebooks: how a table of codewords starts (`initialise/`), how it moves (`learn/`, `revive/`), and how it is kept.

The names are loaded on first use, as those of `zador` are: who works with NumPy arrays does not wait for torch.
`__init__.pyi` lists them.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
