"""Files of arrays come back as they were written, or are refused in one line."""

import io
import json
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import TensorSpec, serialize_file
from safetensors.numpy import save_file

from zador.data import load
from zador.errors import DataError, FormatError, NonFiniteError, UsageError

MATRIX = np.arange(12.0).reshape(4, 3) / 8


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_npy_of_floats_stays_mapped_and_keeps_its_dtype(tmp_path, dtype):
    """A float matrix comes back as a memory map of the same values and type."""
    np.save(tmp_path / "x.npy", MATRIX.astype(dtype))
    vectors = load(tmp_path / "x.npy")
    assert isinstance(vectors.array, np.memmap)
    assert vectors.array.dtype == dtype
    np.testing.assert_array_equal(vectors.array, MATRIX)
    assert (vectors.name, vectors.picture_shape, vectors.value_range) == ("x.npy", None, (0.0, 1.375))


def test_npy_in_column_order_stays_mapped(tmp_path):
    """Fortran order is a layout like another."""
    np.save(tmp_path / "x.NPY.npy", np.asfortranarray(MATRIX))
    vectors = load(str(tmp_path / "x.NPY.npy"))
    assert isinstance(vectors.array, np.memmap)
    np.testing.assert_array_equal(vectors.array, MATRIX)


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("uint8", "float32"),
        ("int16", "float32"),
        ("bool", "float32"),
        ("int32", "float64"),
        ("int64", "float64"),
        (">f4", "float32"),
        (">i2", "float32"),
        (">i8", "float64"),
        ("longdouble", "float64"),
    ],
)
def test_other_numbers_become_native_floats_that_hold_them(tmp_path, stored, read):
    """Whole numbers and foreign byte orders are converted to the smallest usual float that holds them exactly."""
    array = np.array([[0, 1], [1, 0], [1, 1]], dtype=stored)
    np.save(tmp_path / "x.npy", array)
    got = load(tmp_path / "x.npy").array
    assert got.dtype == read
    assert got.dtype.isnative
    np.testing.assert_array_equal(got, array)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
def test_every_small_whole_number_is_exact_in_float32(tmp_path, dtype):
    """The extremes of the 8- and 16-bit types survive."""
    limits = np.iinfo(dtype)
    np.save(tmp_path / "x.npy", np.array([[limits.min, limits.max]], dtype=dtype))
    assert load(tmp_path / "x.npy").array.tolist() == [[limits.min, limits.max]]


def test_bytes_are_shown_from_0_to_255(tmp_path):
    """Pixels are shown against what a byte can hold, not against what this file happens to hold."""
    np.save(tmp_path / "x.npy", np.array([[3, 7]], dtype=np.uint8))
    assert load(tmp_path / "x.npy").value_range == (0.0, 255.0)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.arange(3.0), ["(3,)"]),
        (np.float64(3.0), ["()"]),
        (np.zeros((2, 3, 4)), ["(2, 3, 4)"]),
        (np.zeros((0, 3)), ["(0, 3)", "empty"]),
        (np.zeros((3, 0)), ["(3, 0)"]),
        (np.zeros((2, 2), complex), ["complex128"]),
        (np.zeros(3, dtype=[("a", "f4"), ("b", "f4")]), ["dtype"]),
        (np.array([["a", "b"]]), ["dtype"]),
    ],
)
def test_npy_that_is_no_matrix_of_numbers_is_refused(tmp_path, refused, array, words):
    """Wrong shapes and kinds are refused with what was found."""
    path = tmp_path / "x.npy"
    np.save(path, array)
    refused(DataError, lambda: load(path), path, *words)


def test_objects_and_pickles_are_refused_without_being_opened(tmp_path, refused):
    """Neither a saved object array nor a bare pickle of that name is ever unpickled."""
    path = tmp_path / "x.npy"
    np.save(path, np.array([[1, None]], dtype=object), allow_pickle=True)
    refused(FormatError, lambda: load(path), path)
    path.write_bytes(pickle.dumps([1]))
    refused(FormatError, lambda: load(path), path)
    np.savez(tmp_path / "x.npz", a=np.array([[1, None]], dtype=object), allow_pickle=True)
    refused(FormatError, lambda: load(tmp_path / "x.npz", key="a"), tmp_path / "x.npz")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_values_that_are_not_finite_are_counted_and_named(tmp_path, refused, bad, dtype):
    """The message has the number of bad rows and the first of them."""
    path, array = tmp_path / "x.npy", np.ones((6, 2), dtype)
    array[[1, 4], 1] = bad
    np.save(path, array)
    refused(NonFiniteError, lambda: load(path), path, "2 of 6", "rows 1, 4")


def test_a_bad_value_in_any_block_is_found(tmp_path, refused, monkeypatch):
    """A file that is checked in many blocks is checked to its end."""
    monkeypatch.setattr("zador.data.intake._BLOCK_BYTES", 64)
    path, array = tmp_path / "x.npy", np.arange(200.0).reshape(100, 2)
    np.save(path, array)
    assert load(path).value_range == (0.0, 199.0)
    array[99, 0] = np.nan
    np.save(path, array)
    refused(NonFiniteError, lambda: load(path), "1 of 100", "rows 99")


def test_npy_with_a_key_is_refused(tmp_path, refused):
    """A key that could mean nothing is not passed over."""
    np.save(tmp_path / "x.npy", MATRIX)
    refused(UsageError, lambda: load(tmp_path / "x.npy", key="a"), tmp_path / "x.npy", "key='a'")


def test_npz_gives_its_only_array_or_the_one_that_key_names(tmp_path):
    """One array needs no key; of several, the key picks."""
    np.savez(tmp_path / "one.npz", a=MATRIX)
    np.savez_compressed(tmp_path / "two.npz", a=MATRIX, b=MATRIX.astype(np.float32) + 1)
    np.testing.assert_array_equal(load(tmp_path / "one.npz").array, MATRIX)
    vectors = load(tmp_path / "two.npz", key="b")
    np.testing.assert_array_equal(vectors.array, MATRIX + 1)
    assert vectors.array.dtype == np.float32
    assert vectors.name == "two.npz[b]"


def test_npz_without_a_usable_key_lists_its_arrays(tmp_path, refused):
    """No key among several, an unknown key, and an archive with nothing in it are refused."""
    path = tmp_path / "x.npz"
    np.savez(path, **{f"part{i}": MATRIX for i in range(12)})
    refused(UsageError, lambda: load(path), path, "key=", "part0, part1", "2 more")
    refused(UsageError, lambda: load(path, key="c"), path, "'c'", "part0")
    np.savez(path)
    refused(DataError, lambda: load(path), path, "empty")


def test_npz_member_is_named_when_it_is_bad(tmp_path, refused):
    """The message says which array of the archive is at fault."""
    path = tmp_path / "x.npz"
    np.savez(path, flat=np.arange(3.0), nan=np.array([[np.nan]]))
    refused(DataError, lambda: load(path, key="flat"), f"{path}[flat]", "(3,)")
    refused(NonFiniteError, lambda: load(path, key="nan"), f"{path}[nan]")


def save_bfloat16(path, array, name="e"):
    """Write `array`, cut to bfloat16, behind another tensor."""
    bits = (np.ascontiguousarray(array, np.float32).view(np.uint32) >> 16).astype(np.uint16)
    before = np.arange(3, dtype=np.uint8)  # an odd number of bytes, so that the tensor does not start at zero
    specs = {
        "before": TensorSpec(dtype="uint8", shape=(3,), data_ptr=before.ctypes.data, data_len=3),
        name: TensorSpec(dtype="bfloat16", shape=array.shape, data_ptr=bits.ctypes.data, data_len=bits.nbytes),
    }
    serialize_file(specs, path)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8"])
def test_safetensors_round_trip(tmp_path, dtype):
    """Usual dtypes come back with their values; the only tensor needs no key."""
    save_file({"e": (MATRIX * 8).astype(dtype)}, tmp_path / "x.safetensors")
    vectors = load(tmp_path / "x.safetensors")
    np.testing.assert_array_equal(vectors.array, MATRIX * 8)
    assert vectors.array.dtype == ("float32" if dtype == "uint8" else dtype)
    assert vectors.name == "x.safetensors[e]"


def test_bfloat16_tensors_become_float32_exactly(tmp_path):
    """Every finite bfloat16 comes back as the float32 with the same upper half, wherever it lies in the file."""
    bits = np.arange(1 << 16, dtype=np.uint32)
    values = (bits << 16).view(np.float32)
    values = values[np.isfinite(values)].reshape(-1, 16)
    save_bfloat16(tmp_path / "x.safetensors", values)
    array = load(tmp_path / "x.safetensors", key="e").array
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array.view(np.uint32), values.view(np.uint32))


def test_bfloat16_agrees_with_torch(tmp_path):
    """Torch, writing the file itself, means the same numbers."""
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save_torch

    tensor = torch.randn(20, 5, generator=torch.Generator().manual_seed(0)).bfloat16()
    save_torch({"other": torch.zeros(7), "e": tensor}, tmp_path / "x.safetensors")
    np.testing.assert_array_equal(load(tmp_path / "x.safetensors", key="e").array, tensor.float().numpy())


def test_bfloat16_that_is_not_a_finite_matrix_is_refused(tmp_path, refused):
    """The checks of all readers apply to converted tensors."""
    path = tmp_path / "x.safetensors"
    save_bfloat16(path, np.array([[1.0, np.nan]]))
    refused(NonFiniteError, lambda: load(path, key="e"), f"{path}[e]", "1 of 1")
    save_bfloat16(path, np.zeros((0, 4)))
    refused(DataError, lambda: load(path, key="e"), f"{path}[e]", "(0, 4)")


def test_safetensors_without_a_usable_key_lists_its_tensors(tmp_path, refused):
    """No key among several and an unknown key are refused."""
    path = tmp_path / "x.safetensors"
    save_file({"a": MATRIX, "b": MATRIX}, path)
    refused(UsageError, lambda: load(path), path, "key=", "a, b")
    refused(UsageError, lambda: load(path, key="c"), path, "'c'", "a, b")


def test_safetensors_of_a_dtype_that_numpy_lacks_is_refused(tmp_path, refused):
    """Eight-bit floats are refused by name."""
    path = tmp_path / "x.safetensors"
    header = json.dumps({"e": {"dtype": "F8_E4M3", "shape": [1, 2], "data_offsets": [0, 2]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    refused(DataError, lambda: load(path), f"{path}[e]", "F8_E4M3")


def saved(extension):
    """Return the bytes of a valid file."""
    file = io.BytesIO()
    if extension == ".npy":
        np.save(file, MATRIX)
    elif extension == ".npz":
        np.savez_compressed(file, a=MATRIX)
    else:
        from safetensors.numpy import save

        file.write(save({"a": MATRIX}))
    return file.getvalue()


@pytest.mark.parametrize("extension", [".npy", ".npz", ".safetensors"])
def test_files_cut_short_anywhere_are_refused(tmp_path, refused, extension):
    """No beginning of a valid file passes for the file."""
    whole, path = saved(extension), tmp_path / f"x{extension}"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        refused(FormatError, lambda: load(path), path)


@pytest.mark.parametrize("extension", [".npy", ".npz", ".safetensors"])
def test_files_of_another_kind_are_refused(tmp_path, refused, extension):
    """A text file renamed is not a file of arrays."""
    path = tmp_path / f"x{extension}"
    path.write_text("a,b\n1,2\n" * 20)
    refused(FormatError, lambda: load(path), path, extension)


@pytest.mark.parametrize("extension", [".npy", ".npz", ".safetensors"])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_bytes_give_vectors_or_our_errors(tmp_path, extension, data):
    """Whatever bytes are changed, the reader returns a finite matrix or raises a DataError of one line."""
    damaged = bytearray(saved(extension))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / f"x{extension}"
    path.write_bytes(damaged)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy remarks on headers of Python 2, which a changed byte can make of ours
        try:
            array = load(path).array
        except DataError as error:
            assert "\n" not in str(error)  # noqa: PT017 - either outcome is right, but nothing else
            assert str(path) in str(error)  # noqa: PT017 - as above
        else:
            assert array.ndim == 2
            assert np.isfinite(array).all()


HEADERS = [
    "{'descr':'<f8','fortran_order':False,'shape':(-1,4)}",
    "{'descr':'<f8','fortran_order':False,'shape':(1000000000000000000000,4)}",
    "{'descr':'<f8','fortran_order':False,'shape':(9223372036854775807,9223372036854775807)}",
    "{'descr':'<f8','fortran_order':False,'shape':(100000000,4)}",
    "{'descr':'O','fortran_order':False,'shape':(1,4)}",
    "{'descr':('<f4',(-2,)),'fortran_order':False,'shape':(2,2)}",
    "(" * 1000,
    "-" * 9000 + "1",
    "(" * 4000 + ")" * 4000,
    "'''",
    "",
]


@pytest.mark.parametrize("header", HEADERS)
def test_npy_headers_that_lie_are_refused(tmp_path, refused, header):
    """Sizes that the file does not have, objects, and headers that do not parse are refused."""
    path, text = tmp_path / "x.npy", header.encode() + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + b"\0" * 64)
    refused(FormatError, lambda: load(path), path)


def test_file_without_permission_is_no_format_error(tmp_path, refused, monkeypatch):
    """What the system refuses is told as such: the contents may be fine."""
    path = tmp_path / "x.npy"
    np.save(path, MATRIX)

    def deny(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(np.lib.format, "open_memmap", deny)
    refused(DataError, lambda: load(path), path, "Permission denied")
