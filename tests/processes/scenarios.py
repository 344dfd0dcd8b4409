"""What two processes go through: what each would do alone, and what they do together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from processes import layers_in_two, matrix, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SCENARIOS"]


@dataclass(frozen=True)
class Scenario:
    """Two functions.

    Attributes:
        alone: is called before there is a process group; what it returns is handed to the other.
        together: is called as (rank, alone) in all processes, and returns what can be written as JSON.
    """

    alone: Callable[[], Any]
    together: Callable[[int, Any], Any]


SCENARIOS = {
    **{f"matrix {name}": Scenario(case.alone, case.together) for name, case in matrix.CASES.items()},
    **{f"layer {name}": Scenario(case.alone, case.together) for name, case in layers_in_two.CASES.items()},
    "refusal": Scenario(lambda: None, layers_in_two.refusal),
    "evaluation": Scenario(lambda: None, layers_in_two.evaluation),
    "checkpointed": Scenario(lambda: None, layers_in_two.checkpointed),
    "groups": Scenario(lambda: None, layers_in_two.groups),
    "built before the group": Scenario(layers_in_two.build, layers_in_two.built_before),
    "compiled": Scenario(layers_in_two.compiled_alone, layers_in_two.compiled_together),
    "lfq": Scenario(layers_in_two.entropy_alone, layers_in_two.entropy_together),
    "ddp": Scenario(wrapped.ddp_alone, wrapped.ddp_together),
    "ddp empty": Scenario(lambda: None, wrapped.ddp_with_an_empty_rank),
    "fsdp": Scenario(lambda: None, wrapped.fsdp_together),
    "example": Scenario(lambda: None, wrapped.example),
    "fsdp refused": Scenario(lambda: None, wrapped.fsdp_of_codewords),
}
