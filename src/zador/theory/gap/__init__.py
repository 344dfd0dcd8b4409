"""Where a measured error comes from: five terms that add up to it to the last bit."""

from zador.theory.gap.decompose import Floor, decompose, shannon_floor
from zador.theory.gap.terms import GapDecomposition, Term

__all__ = ["Floor", "GapDecomposition", "Term", "decompose", "shannon_floor"]
