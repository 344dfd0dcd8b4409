"""Rate–distortion functions of finite sources, between two bounds that are certain: Blahut–Arimoto with certificates.

    R(D) = min I(X; Y)   over channels p(y | x) with E d(X, Y) <= D

For a slope s = -dR/dD the best channel is q_j exp(-s d_ij) / Z_i, and any weights q of the reproductions give both an upper
and a lower bound on R at the distortion that they achieve (`lagrangian`). The solver stops on the distance of the two bounds
and on nothing else. Sources: blahut1972computation, arimoto1972algorithm, csiszar1974computation.

Convention: rates in bits, so that the slope is in bits per unit of distortion. Books that write exp(-s d) mean nats:
s_nats = s_bits ln 2.
"""

from zador.theory.blahut_arimoto.pair_costs import AbsoluteError, PairCosts, SquaredError, TableOfCosts
from zador.theory.blahut_arimoto.solution import Solution
from zador.theory.blahut_arimoto.solver import curve, solve

__all__ = ["AbsoluteError", "PairCosts", "Solution", "SquaredError", "TableOfCosts", "curve", "solve"]
