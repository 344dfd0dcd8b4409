# The public names of the room; `__init__.py` loads each on first use.
from . import linear

__all__ = ["linear"]
