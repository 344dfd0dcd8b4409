"""Limbs of one root, joint by joint and frame by frame."""

import math


def positions(angles, limbs=4):
    """Return [x, y, z, x, y, z, …] of joints whose (bend, turn) are given relative to their parents, `limbs` before them."""
    length = 1 / math.ceil(len(angles) / limbs)
    flat = []
    for joint in range(len(angles)):
        chain = range(joint % limbs, joint + 1, limbs)
        bend = turn = x = y = z = 0.0
        for link in chain:
            bend, turn = bend + angles[link][0], turn + angles[link][1]
            x += length * math.sin(bend) * math.cos(turn)
            y += length * math.sin(bend) * math.sin(turn)
            z -= length * math.cos(bend)
        flat += [x, y, z]
    return flat
