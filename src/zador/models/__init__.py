"""Models: networks that contain a quantizer, and what trains them; a sub-room for each kind.

The names are loaded on first use, as those of `zador` are; `__init__.pyi` lists them.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
