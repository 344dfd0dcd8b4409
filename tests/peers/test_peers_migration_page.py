"""docs/migration.md has a counterpart, or a reason, for every option of every public class of the peer."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import vector_quantize_pytorch

import zador.layers.migration.vqp_options as options
from zador.codebooks import Gradient
from zador.estimators import DiVeQ
from zador.layers import from_vector_quantize_pytorch

PAGE = (Path(__file__).parents[2] / "docs" / "migration.md").read_text(encoding="utf-8")
CLASSES = {name: value for name, value in vars(vector_quantize_pytorch).items() if inspect.isclass(value)}
STARS = {inspect.Parameter.VAR_KEYWORD: "**", inspect.Parameter.VAR_POSITIONAL: "*"}


def parameters(kind):
    """Return the names of what the constructor and `forward` of a class take."""
    taken = [
        f"{STARS.get(each.kind, '')}{name}"
        for method in (kind.__init__, kind.forward)
        for name, each in inspect.signature(method).parameters.items()
        if name != "self"
    ]
    return set(taken)


def rows(name):
    """Return the rows of the table of a class, (options, counterpart)."""
    section = re.search(rf"^### {name}\n(.*?)(?=^##)", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert section, f"docs/migration.md has no section on {name}"
    cells = [line.strip("|").split("|") for line in section[1].splitlines() if line.startswith("| `")]
    return [(set(re.findall(r"`([^`]+)`", row[0])), row[1].strip()) for row in cells]


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_option_has_its_line(name):
    """The options in the tables are those that the installed package has, all of them, and each row says something."""
    table = rows(name)
    listed = [option for names, _ in table for option in names]
    assert sorted(listed) == sorted(parameters(CLASSES[name]))
    assert all(len(counterpart) > 0 for _, counterpart in table)
    # A dash alone is no reason, unless the section gives it above its table.
    assert name == "EvoLFQ" or all(counterpart.strip("– ") for _, counterpart in table)


def test_every_constructor_option_is_known_to_the_loader():
    """What was passed to the constructor of a class that can be loaded may be passed on: no option of those is unknown."""
    known = set(options._DEFAULTS) | set(options._ELSEWHERE.split())
    taken = {
        name
        for kind in options.CLASSES
        for name, each in inspect.signature(CLASSES[kind].__init__).parameters.items()
        if name != "self" and each.kind not in STARS
    }
    assert taken - known == set()
    assert known - taken == set()


def test_every_class_is_loaded_or_refused():
    """No public class of the peer is unknown to the loader, but for the container."""
    assert set(options.CLASSES) | set(options.REFUSED) | {"Sequential"} == set(CLASSES)


def test_defaults_are_the_peer_s():
    """Options that are left out have the default that the peer's constructors give them."""
    for kind in options.CLASSES:
        for name, each in inspect.signature(CLASSES[kind].__init__).parameters.items():
            ours = options._DEFAULTS.get(name, inspect.Parameter.empty)
            theirs = each.default
            if inspect.Parameter.empty in (ours, theirs) or (kind, name) in {
                # Clamped by default in stages, and not alone: None stands for either.
                ("FSQ", "bound_hard_clamp"),
                ("ResidualFSQ", "bound_hard_clamp"),
                ("SimVQ", "rotation_trick"),
                ("ResidualSimVQ", "rotation_trick"),
                ("FSQ", "channel_first"),
                ("SimVQ", "channel_first"),
                ("ResidualSimVQ", "channel_first"),
            }:
                continue
            assert ours == theirs, (kind, name)


def test_a_directional_reparameterisation_goes_on():
    """Codewords that DiVeQ taught are parameters here too, and DiVeQ goes on teaching them."""
    diveq = vector_quantize_pytorch.VectorQuantize(4, 8, directional_reparam=True, threshold_ema_dead_code=1)
    layer = from_vector_quantize_pytorch(diveq)
    assert layer.estimator == DiVeQ(variance=0.005)
    assert layer.commitment == 0
    assert isinstance(layer.quantizer.table.learner, Gradient)
    residual = vector_quantize_pytorch.ResidualVQ(dim=4, num_quantizers=2, codebook_size=8, diveq=True)
    assert from_vector_quantize_pytorch(residual).estimator == DiVeQ(variance=0.005)
