"""Gradient fields at one boundary: what estimators send to encodings on either side of it, beside the true gradient."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import torch

from zador.studies.atlas.fields import View, draw_arrows
from zador.studies.catalogue.planar.boundary import sent_back, spacing, true_gradient
from zador.studies.catalogue.planar.training import Run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zador.studies.catalogue.planar.rules import Rule
    from zador.studies.catalogue.planar.scene import Start
    from zador.studies.design import Design

__all__ = ["busiest", "draw_boundary", "rules_of"]

_REACH, _SIDE = 0.6, 12


def rules_of(design: Design, setting: str) -> dict[str, Rule]:
    """Return the rules of the arms of a setting, each once, by the name of the first arm that has it."""
    found: dict[Rule, str] = {}
    for arm in design.under(setting):
        if isinstance(arm.work, Run):
            found.setdefault(arm.work.rule, arm.name)
    return {name: rule for rule, name in found.items()}


def draw_boundary(start: Start, rules: Mapping[str, Rule], seed: int, *, prefix: str, label: str) -> str:
    """Return the fields at the start of training around the boundary that most encodings are next to.

    Args:
        start: encoder, codewords and vectors.
        rules: estimators by name.
        seed: of their noise.
        prefix: unique where several pictures share a page.
        label: what it shows, for those who do not see it.
    """
    view = busiest(start)
    fields = {"true gradient": true_gradient(start, view.points, seed).numpy()}
    fields |= {name: sent_back(start, rule, view.points, seed).numpy() for name, rule in rules.items()}
    return draw_arrows(fields, start.codewords, view, prefix=prefix, label=label)


def busiest(start: Start) -> View:
    """Return a square around the middle of the two codewords that are most often the nearest two of an encoding."""
    codewords = torch.from_numpy(start.codewords)
    apart = torch.cdist(torch.from_numpy(start.evaluation @ start.encoder.T), codewords)
    pairs = Counter(tuple(sorted(pair)) for pair in apart.topk(2, largest=False).indices.tolist())
    (one, other), _ = max(pairs.items(), key=lambda pair: (pair[1], pair[0]))
    middle = 0.5 * (start.codewords[one] + start.codewords[other])
    reach = max(_REACH * spacing(start.codewords), 0.7 * float((codewords[one] - codewords[other]).norm()))
    return View((float(middle[0]), float(middle[1])), reach, _SIDE)
