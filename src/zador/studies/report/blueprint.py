"""The configuration of a study as text: what all arms share once, then what each does differently."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from zador.studies.configuration import configuration

if TYPE_CHECKING:
    from zador.studies.design import Design

__all__ = ["command", "readable"]


def command(design: Design) -> str:
    """Return what reproduces the study on a command line."""
    return f"zador study {design.name} --seeds {len(design.seeds)} -o DIRECTORY"


def readable(design: Design) -> str:
    """Return a design as JSON for people: fields that all arms of a kind share stand once, each arm on one line."""
    works = [_flat(configuration(arm.work)) for arm in design.arms]
    kinds = dict.fromkeys(work.get("class", "") for work in works)
    shared = {kind: _shared([work for work in works if work.get("class", "") == kind]) for kind in kinds}
    head = {
        "study": design.name,
        "reference": design.reference,
        "seeds": _seeds(design),
        "shared by all arms of a class": shared,
    }
    lines = [
        json.dumps(
            {
                "arm": arm.name,
                **({"setting": arm.setting} if arm.setting else {}),
                **({"limit": True} if arm.limit else {}),
                "class": work.get("class", ""),
                **{key: value for key, value in work.items() if key not in shared[work.get("class", "")]},
            },
            ensure_ascii=False,
        )
        for arm, work in zip(design.arms, works, strict=True)
    ]
    text = json.dumps(head, indent=2, ensure_ascii=False).removesuffix("\n}")
    return text + ',\n  "arms": [\n    ' + ",\n    ".join(lines) + "\n  ]\n}"


def _seeds(design: Design) -> str | int:
    first, last = design.seeds[0], design.seeds[-1]
    if design.seeds == tuple(range(first, last + 1)):
        return first if first == last else f"{first} to {last}"
    return ", ".join(map(str, design.seeds))


def _flat(tree: Any, before: str = "") -> dict[str, Any]:
    """Return nested classes and their fields as one level of dotted names."""
    if isinstance(tree, dict) and "class" in tree:
        flat = {f"{before}class": tree["class"]}
        for name, value in tree["fields"].items():
            flat |= _flat(value, f"{before}{name}.")
        return flat
    if isinstance(tree, dict) and len(tree) == 1:  # a function by where it lives, or a float that JSON cannot hold
        return {before.rstrip("."): next(iter(tree.values()))}
    return {before.rstrip("."): tree}


def _shared(works: list[dict[str, Any]]) -> dict[str, Any]:
    first = works[0]
    return {
        key: value for key, value in first.items() if key != "class" and all(work.get(key, work) == value for work in works)
    }
