"""zador: vector quantization that does not collapse, judged against the rate-distortion bound.

The names below are loaded on first use, so that `zador --help` and `import zador` stay fast; `__init__.pyi` lists them.
"""

import lazy_loader as _lazy

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
