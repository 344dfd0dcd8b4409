"""What a claim predicts, as data: one class a kind of prediction.

A metric is the name of one in the rows, or two of them with `" / "` or `" - "` between, worked out run by run.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["AllOf", "Best", "Differs", "Equal", "Fails", "Level", "Prediction", "Simple", "Spread", "parts_of"]

Range = tuple[float, float]


class Strict(BaseModel):
    """A record that takes no unknown field and no value of another type."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Differs(Strict):
    """Arm has a lower (or higher) metric than other.

    Attributes:
        metric: what is compared.
        arm: of which something is claimed.
        other: what it is compared with; the same arm if left out.
        setting: of `arm`.
        other_setting: of `other`; the same setting if left out.
        direction: of arm against other.
        relative: claimed size, least and most, as a share of other's mean; the digits of the report, rounded either way.
        absolute: the same in the metric's unit.
    """

    kind: Literal["difference"]
    metric: str
    arm: str
    other: str = ""
    setting: str = ""
    other_setting: str | None = None
    direction: Literal["lower", "higher"]
    relative: Range | None = None
    absolute: Range | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        _at_most_one_size(self.relative, self.absolute)
        _not_itself(self.arm, self.other or self.arm, self.setting, self.other_setting)
        return self


class Equal(Strict):
    """Arm and other differ by less than a margin.

    Attributes:
        metric: what is compared.
        arm: one arm.
        other: the other; the same arm if left out.
        setting: of `arm`.
        other_setting: of `other`; the same setting if left out.
        relative: the margin, as a share of other's mean.
        absolute: the margin in the metric's unit.
    """

    kind: Literal["equivalence"]
    metric: str
    arm: str
    other: str = ""
    setting: str = ""
    other_setting: str | None = None
    relative: float | None = Field(default=None, gt=0)
    absolute: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        _exactly_one(self.relative, self.absolute)
        _not_itself(self.arm, self.other or self.arm, self.setting, self.other_setting)
        return self


class Level(Strict):
    """The metric of an arm is at least, or at most, a number: on average, or in every run.

    Attributes:
        metric: what is meant.
        arm: of which arm.
        setting: under which setting.
        at_least: no less than this.
        at_most: no more than this.
        every_run: not the mean is meant but each single run, so that one run refutes it.
    """

    kind: Literal["level"]
    metric: str
    arm: str
    setting: str = ""
    at_least: float | None = None
    at_most: float | None = None
    every_run: bool = False

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("give at_least or at_most, or both")
        return self


class Fails(Strict):
    """Runs of an arm diverge, or none does.

    Attributes:
        arm: which.
        setting: under which setting.
        diverges: true: more than half of all runs do; false: none does, so that one that does refutes it.
    """

    kind: Literal["failure"]
    arm: str
    setting: str = ""
    diverges: bool


class Spread(Strict):
    """The metric of an arm differs by less than a margin between any two settings.

    Attributes:
        metric: what is compared.
        arm: which.
        settings: all of them.
        relative: the margin, as a share of the mean.
        absolute: the margin in the metric's unit.
    """

    kind: Literal["spread"]
    metric: str
    arm: str
    settings: tuple[str, ...] = Field(min_length=2)
    relative: float | None = Field(default=None, gt=0)
    absolute: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        _exactly_one(self.relative, self.absolute)
        return self


class Best(Strict):
    """Under one setting an arm has its lowest (or highest) metric among several.

    Attributes:
        metric: what is compared.
        arm: which.
        setting: claimed best.
        among: the others.
        direction: whether best is lowest or highest.
    """

    kind: Literal["best"]
    metric: str
    arm: str
    setting: str
    among: tuple[str, ...] = Field(min_length=1)
    direction: Literal["lower", "higher"] = "lower"


Simple = Annotated[Differs | Equal | Level | Fails | Spread | Best, Field(discriminator="kind")]


class AllOf(Strict):
    """Several predictions that hold together: one that is refuted refutes them all.

    Attributes:
        of: the predictions.
    """

    kind: Literal["all"]
    of: tuple[Simple, ...] = Field(min_length=2)


Prediction = Annotated[Differs | Equal | Level | Fails | Spread | Best | AllOf, Field(discriminator="kind")]


def parts_of(prediction: AllOf | Simple) -> tuple[Differs | Equal | Level | Fails, ...]:
    """Return the predictions about one or two cells that `prediction` is the conjunction of."""
    if isinstance(prediction, AllOf):
        return tuple(part for member in prediction.of for part in parts_of(member))
    if isinstance(prediction, Spread):
        return tuple(
            Equal(
                kind="equivalence",
                metric=prediction.metric,
                arm=prediction.arm,
                setting=one,
                other_setting=two,
                relative=prediction.relative,
                absolute=prediction.absolute,
            )
            for k, one in enumerate(prediction.settings)
            for two in prediction.settings[k + 1 :]
        )
    if isinstance(prediction, Best):
        return tuple(
            Differs(
                kind="difference",
                metric=prediction.metric,
                arm=prediction.arm,
                setting=prediction.setting,
                other_setting=other,
                direction=prediction.direction,
            )
            for other in prediction.among
        )
    return (prediction,)


def _at_most_one_size(relative: object, absolute: object) -> None:
    if relative is not None and absolute is not None:
        raise ValueError("give the size as relative or as absolute, not both")


def _exactly_one(relative: object, absolute: object) -> None:
    if (relative is None) == (absolute is None):
        raise ValueError("give the margin as relative or as absolute: one of them")


def _not_itself(arm: str, other: str, setting: str, other_setting: str | None) -> None:
    if arm == other and other_setting in {None, setting}:
        raise ValueError(f"{arm!r} is compared with itself: name another arm, or an other_setting")
