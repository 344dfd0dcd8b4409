"""The orthonormal linear autoencoder with a codebook, many seeds at once.

The names are loaded on first use: who trains with NumPy does not wait for torch. `__init__.pyi` lists them.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
