"""FiniteScalar: the published examples, the definition, and indices that stay exact."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from references import finite_scalar as reference
from zador.errors import DataError, UsageError
from zador.quantizers import FiniteScalar

LEVELS = [(2,), (3, 2), (8, 5, 5, 5), (4, 4, 4), (7, 2, 6, 3, 9)]
GRIDS = [(levels, symmetric) for levels in LEVELS for symmetric in (False, True)]
EPS = torch.finfo(torch.float32).eps


def normal(shape, seed=0, scale=1.5):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * scale


def every_code(quantizer):
    """Return all indices and their values."""
    indices = torch.arange(quantizer.sizes[0])
    return indices, quantizer.decode(indices)


def test_the_example_of_the_authors():
    """Their notebook takes z = (0.25, 0.6, -7) with levels (3, 5, 4): by hand (0, 0.5, -1), code 1·1 + 3·3 + 15·0."""
    quantizer = FiniteScalar((3, 5, 4))
    indices, values = quantizer.select(quantizer.bound(torch.tensor([[0.25, 0.6, -7.0]])))
    assert indices.tolist() == [10]
    assert values.tolist() == [[0.0, 0.5, -1.0]]


@pytest.mark.parametrize(
    ("levels", "size"),
    [((8, 6, 5), 240), ((8, 5, 5, 5), 1000), ((7, 5, 5, 5, 5), 4375), ((8, 8, 8, 6, 5), 15360), ((8, 8, 8, 5, 5, 5), 64000)],
)
def test_the_recommended_levels_have_the_published_sizes(levels, size):
    """The levels recommended for 2^8 to 2^16 codes [mentzer2023finite, Table 1] make that many, and log2 of it in bits."""
    quantizer = FiniteScalar(levels)
    assert quantizer.sizes == (size,)
    assert quantizer.bits == pytest.approx(math.log2(size), rel=1e-15)
    assert quantizer.dim == len(levels)


@pytest.mark.parametrize(("levels", "symmetric"), GRIDS)
def test_bound_is_the_formula(levels, symmetric):
    """`bound` is the squashing of the definition, to the rounding of float32."""
    z = normal((200, len(levels)))
    expected = [
        [reference.bounded(n, k, symmetric=symmetric) for n, k in zip(row, levels, strict=True)] for row in z.tolist()
    ]
    # Slope below 2, so rounding the argument, tanh, product and sum loses at most half a dozen units of the last place.
    torch.testing.assert_close(FiniteScalar(levels, symmetric).bound(z), torch.tensor(expected), rtol=0, atol=6 * EPS)


@pytest.mark.parametrize(("levels", "symmetric"), GRIDS)
def test_select_finds_the_nearest_level(levels, symmetric):
    """Index and values are those of a search through all levels of each coordinate; also beyond the ends of the grid."""
    quantizer = FiniteScalar(levels, symmetric)
    v = normal((300, len(levels)), seed=1, scale=0.8).double()
    indices, values = quantizer.select(v)
    expected = [reference.selected(row, levels, symmetric=symmetric) for row in v.tolist()]
    assert indices.tolist() == [index for index, _ in expected]
    torch.testing.assert_close(values, torch.tensor([row for _, row in expected], dtype=torch.float64), rtol=0, atol=5e-16)


@pytest.mark.parametrize(("levels", "symmetric"), GRIDS)
def test_every_code_comes_back_from_its_values(levels, symmetric):
    """`select(decode(i))` is i with the same bits of the values, for every index, and different indices differ."""
    quantizer = FiniteScalar(levels, symmetric)
    indices, values = every_code(quantizer)
    again, same = quantizer.select(values)
    assert again.equal(indices)
    assert same.equal(values)
    assert len(values.unique(dim=0)) == quantizer.sizes[0]
    assert values.abs().max() <= 1


@pytest.mark.parametrize(("levels", "symmetric"), GRIDS)
def test_every_level_is_reached_through_bound(levels, symmetric):
    """Every level of each coordinate is that of some z between -6 and 6, so every code is that of some vector."""
    quantizer = FiniteScalar(levels, symmetric)
    _, values = quantizer.select(quantizer.bound(torch.linspace(-6, 6, 4001)[:, None].expand(-1, len(levels))))
    assert [len(column.unique()) for column in values.t()] == list(levels)


def test_zero_stays_zero_on_the_grid_of_the_paper():
    """`bound(0)` = 0, which is a level, for every L above 2; two levels meet at 0 and it goes to the upper one, 0."""
    quantizer = FiniteScalar((3, 4, 5, 6, 7, 8, 2))
    zero = torch.zeros(1, 7)
    assert quantizer.bound(zero)[0, :6].abs().max() < EPS
    assert quantizer.select(quantizer.bound(zero))[1].equal(zero)


@pytest.mark.parametrize("symmetric", [False, True])
def test_two_levels_are_a_sign(symmetric):
    """With L = 2 half of a symmetric law goes to either level, where the paper's shift would send nearly all to one."""
    z = torch.tensor([[-3.0], [-1e-3], [0.0], [1e-3], [3.0]])
    assert FiniteScalar((2,), symmetric).encode(z).tolist() == [0, 0, 1, 1, 1]


def test_ties_go_up():
    """Midway between two levels the upper one is chosen, below 0 as above: rounding half to even would alternate."""
    halves = torch.tensor([[-0.75], [-0.25], [0.25], [0.75]])
    assert FiniteScalar((5,)).select(halves)[0].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "levels",
    [(2,) * 24, (2,) * 25, (8,) * 9, (5,) * 12, (4,) * 18, (16,) * 15, (2,) * 62, (3,) * 39, (2**31, 2**31), (7, 1 << 60)],
)
def test_indices_are_exact_up_to_int64(levels):
    """Largest index, its neighbours and random ones decode to their digits and encode to themselves, at 2^24 to 2^62.8."""
    size = math.prod(levels)
    draws = torch.randint(0, min(size, 2**62), (50,), generator=torch.Generator().manual_seed(4)).tolist()
    chosen = [0, 1, size // 2, size - 2, size - 1, *draws]
    quantizer = FiniteScalar(levels, symmetric=True)
    values = quantizer.decode(torch.tensor(chosen), dtype=torch.float64)
    expected = [
        [2 * k / (level - 1) - 1 for k, level in zip(reference.digits(i, levels), levels, strict=True)] for i in chosen
    ]
    torch.testing.assert_close(values, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-15)
    if max(levels) < 2**50:  # beyond, float64 does not tell neighbouring levels apart
        assert quantizer.select(values)[0].tolist() == chosen
    if max(levels) < 2**20:  # and float32 tells these apart
        assert quantizer.select(values.float())[0].tolist() == chosen


def test_the_largest_codebook_is_the_largest_index():
    """2^63 - 1 = 7² · 73 · 127 · 337 · 92737 · 649657 codes are taken, 2^63 are refused with the arithmetic."""
    whole = (49, 73, 127, 337, 92737, 649657)
    assert math.prod(whole) == 2**63 - 1
    quantizer = FiniteScalar(whole)
    last = quantizer.decode(torch.tensor([2**63 - 2]), dtype=torch.float64)
    assert quantizer.select(last)[0].tolist() == [2**63 - 2]
    with pytest.raises(UsageError, match=r"63 coordinates of 2 to 2 levels make 2\^63.00 codes.*several codebooks"):
        FiniteScalar((2,) * 63)


def test_a_masked_index_is_zero():
    """-1 decodes to zeros, and disturbs no neighbour."""
    quantizer = FiniteScalar((8, 5, 5))
    assert quantizer.decode(torch.tensor([-1, 7])).tolist() == [[0.0, 0.0, 0.0], [0.75, -1.0, -1.0]]


def test_an_index_of_another_quantizer_is_refused():
    """An index of Π L or more, or below -1, is counted and named."""
    with pytest.raises(DataError, match=r"expected 0 to 14, or -1 .* got 2 of 4 outside \(15"):
        FiniteScalar((5, 3)).decode(torch.tensor([0, 15, -2, -1]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_short_floats_are_computed_in_float32(dtype):
    """A half-precision z gives what the same numbers give in float32, bit for bit, and float32 comes out."""
    quantizer = FiniteScalar((8, 5, 5, 5))
    z = normal((100, 4)).to(dtype)
    assert quantizer.bound(z).dtype == torch.float32
    assert quantizer.bound(z).equal(quantizer.bound(z.float()))
    v = quantizer.bound(z).to(dtype)
    for low, wide in zip(quantizer.select(v), quantizer.select(v.float()), strict=True):
        assert low.equal(wide)


def test_autocast_changes_nothing():
    """Under bfloat16 autocast bound, indices and values are those without."""
    quantizer, z = FiniteScalar((8, 5, 5, 5)), normal((64, 4))
    plain = (quantizer.bound(z), *quantizer.select(quantizer.bound(z)))
    with torch.autocast("cpu", torch.bfloat16):
        inside = (quantizer.bound(z), *quantizer.select(quantizer.bound(z)))
    assert all(a.equal(b) for a, b in zip(plain, inside, strict=True))


@pytest.mark.parametrize("shape", [(0, 4), (2, 0, 4), (2, 3, 4), (4,)])
def test_any_shape_of_vectors(shape):
    """Indices have the shape without the coordinates, values that of z; also when there is nothing."""
    quantizer = FiniteScalar((8, 5, 5, 5))
    indices, values = quantizer.select(quantizer.bound(normal(shape)))
    assert (indices.shape, values.shape, indices.dtype) == (shape[:-1], shape, torch.int64)
    assert quantizer.decode(indices).equal(values)


def test_memory_layout_does_not_matter():
    """Transposed, strided and odd numbers of vectors give what each vector gives alone."""
    quantizer, z = FiniteScalar((8, 5, 3)), normal((3, 99))
    alone = torch.stack([quantizer.encode(row) for row in z.t().contiguous()])
    assert quantizer.encode(z.t()).equal(alone)
    assert quantizer.encode(z.t()[::3]).equal(alone[::3])


def test_not_a_number_does_not_crash():
    """NaN gets some index, and leaves the other vectors alone: to refuse it is the business of whoever takes z in."""
    quantizer, z = FiniteScalar((8, 5, 3)), normal((10, 3))
    broken = z.clone()
    broken[4, 1] = torch.nan
    assert quantizer.encode(broken)[[0, 3, 5, 9]].equal(quantizer.encode(z)[[0, 3, 5, 9]])


@pytest.mark.parametrize(("levels", "symmetric"), GRIDS)
def test_the_gradient_of_bound_is_its_derivative(levels, symmetric):
    """Finite differences agree with autograd; `select` has no gradient."""
    quantizer = FiniteScalar(levels, symmetric, scale=0.7)
    z = normal((4, len(levels))).double().requires_grad_()
    assert torch.autograd.gradcheck(quantizer.bound, z)
    assert not quantizer.select(quantizer.bound(z))[1].requires_grad


@pytest.mark.parametrize("symmetric", [False, True])
def test_compiled_is_eager(symmetric):
    """One graph, any number of vectors: same indices and values; `bound` to the rounding of another tanh."""
    quantizer = FiniteScalar((8, 2, 5), symmetric, scale=(1.0, 0.3, 2.0))

    def run(z):
        bounded = quantizer.bound(z)
        indices, values = quantizer.select(bounded)
        return bounded, indices, values, quantizer.decode(indices)

    compiled = torch.compile(run, fullgraph=True, dynamic=True, backend="aot_eager")
    for rows in (64, 33):
        bounded, indices, values, decoded = compiled(normal((rows, 3)))
        expected = run(normal((rows, 3)))
        torch.testing.assert_close(bounded, expected[0], rtol=0, atol=8 * EPS)
        assert (indices.equal(expected[1]), values.equal(expected[2]), decoded.equal(values)) == (True, True, True)


def test_an_exported_graph_holds_only_plain_operators():
    """`torch.export` with any number of vectors: aten operators alone, and the same codes."""

    class Module(torch.nn.Module):
        def forward(self, z):
            indices, values = FiniteScalar((8, 2, 5)).select(FiniteScalar((8, 2, 5)).bound(z))
            return indices, values, FiniteScalar((8, 2, 5)).decode(indices)

    exported = torch.export.export(Module(), (normal((5, 3)),), dynamic_shapes=({0: torch.export.Dim("n")},))
    names = [str(node.target) for node in exported.graph.nodes if node.op == "call_function"]
    assert all(name.startswith("aten.") for name in names)
    z = normal((77, 3), seed=5)
    assert all(a.equal(b) for a, b in zip(exported.module()(z), Module()(z), strict=True))


@pytest.mark.parametrize(("levels", "count"), [((5, 5, 5), 3), ((4, 8, 3), 4), ((3,), 6), ((16, 5), 2)])
def test_residual_stages_shrink_the_error_to_the_product_of_half_steps(levels, count):
    """S stages leave at most `(L-1)^-S`, nearly reach it, and every stage uses all its codes on uniform vectors."""
    quantizer = FiniteScalar(levels, symmetric=True)
    rest = torch.rand((200_000, len(levels)), dtype=torch.float64, generator=torch.Generator().manual_seed(6)) * 2 - 1
    for stage in quantizer.stages(count):
        indices, values = stage.select(rest)
        rest = rest - values
        assert len(indices.unique()) == stage.sizes[0]
    most = torch.tensor([(level - 1.0) ** -count for level in levels], dtype=torch.float64)
    worst = rest.abs().amax(0)
    # Each value is rounded once, at a scale below 1, and subtracted once.
    assert (worst <= most + count * 4e-16).all()
    # The error is close to uniform in ± most: the largest of 200,000 misses a share of 1e-3 with probability e^-200.
    assert (worst >= most * (1 - 1e-3)).all()


def test_stages_of_odd_levels_need_no_flag():
    """The paper's grid of odd levels is the symmetric one, and may be staged; the first stage is the quantizer itself."""
    quantizer = FiniteScalar((5, 3))
    assert every_code(quantizer)[1].equal(every_code(FiniteScalar((5, 3), symmetric=True))[1])
    assert quantizer.stages(2)[0] == quantizer


@pytest.mark.parametrize(
    ("quantizer", "said"), [(FiniteScalar((8, 5)), "symmetric"), (FiniteScalar((5, 2), True), "hold a 2")]
)
def test_stages_that_would_not_converge_are_refused(quantizer, said):
    """A lopsided grid, and one of two levels, cannot be refined stage by stage."""
    with pytest.raises(UsageError, match=said):
        quantizer.stages(2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (((),), "got none"),
        (((5, 1),), "at least 2"),
        (((5.5,),), "whole number"),
        (((5, 5), True, 0.0), "above 0"),
        (((5, 5), True, (1.0,)), "2 of them"),
        (((5,), True, math.inf), "above 0"),
    ],
)
def test_arguments_that_make_no_grid_are_refused(arguments, said):
    """No coordinates, one level, a fraction of a level, or a scale that is none."""
    with pytest.raises(UsageError, match=said):
        FiniteScalar(*arguments)


def test_another_number_of_coordinates_is_refused():
    """Shapes that would broadcast silently are named."""
    with pytest.raises(DataError, match=r"expected shape \(…, 3\).*got \(7, 1\)"):
        FiniteScalar((5, 5, 5)).bound(torch.zeros(7, 1))


def test_numpy_users_do_not_import_torch():
    """`import zador.quantizers` alone leaves torch out; asking for a grid brings it in; an unknown name says so."""
    code = "import sys, zador.quantizers as q; a = 'torch' in sys.modules; q.FiniteScalar; print(a, 'torch' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["False", "True"]
    with pytest.raises(AttributeError, match="no_such_name"):
        sys.modules["zador.quantizers"].no_such_name  # noqa: B018 - the access is what is tested


coordinates = st.lists(st.integers(2, 17), min_size=1, max_size=7)


@given(coordinates, st.booleans(), st.integers(0, 2**32), st.sampled_from([1.0, 0.125, 3.0]))
def test_rounding_again_changes_nothing(levels, symmetric, seed, scale):
    """`select` is a projection: idempotent, within the grid, no farther than half a step inside it, and decoded exactly."""
    quantizer = FiniteScalar(levels, symmetric, scale)
    v = quantizer.bound(normal((16, len(levels)), seed=seed))
    indices, values = quantizer.select(v)
    assert quantizer.select(values)[1].equal(values)
    assert quantizer.decode(indices).equal(values)
    assert ((indices >= 0) & (indices < quantizer.sizes[0])).all()
    half_step = torch.tensor([scale / (level - 1 if symmetric else 2 * (level // 2)) for level in levels])
    assert ((v - values).abs() <= half_step + 4 * EPS * scale).all()


@given(coordinates, st.booleans(), st.integers(0, 2**32))
def test_order_is_kept(levels, symmetric, seed):
    """More z in a coordinate never gives a smaller level there."""
    quantizer = FiniteScalar(levels, symmetric)
    z = normal((16, len(levels)), seed=seed).sort(dim=0).values
    values = quantizer.select(quantizer.bound(z))[1]
    assert (values.diff(dim=0) >= 0).all()


def test_the_grid_of_two_coordinates_is_the_product():
    """All codes of (4, 3) are the pairs of the levels, the first coordinate counting fastest."""
    _, values = every_code(FiniteScalar((4, 3)))
    pairs = [[a, b] for b, a in itertools.product([-1.0, 0.0, 1.0], [-1.0, -0.5, 0.0, 0.5])]
    assert values.tolist() == pairs
