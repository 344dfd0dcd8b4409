"""Files that lie: one-line errors of our own, bounded memory, and no index that was not written."""

from __future__ import annotations

import hashlib
import tracemalloc
import zlib
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from zador.coding import Adaptive, OrderOne, Static, StreamSpec, TokenReader, layout, pack, unpack
from zador.coding.range_coder import refusing_garbage
from zador.errors import DataError, FormatError

NAME = "00000000000000a1"
SPEC = StreamSpec((1, 3, 40), [[5], [100, 0, 1], np.arange(40)], NAME)


def sealed(body):
    """Append the checksum that fits."""
    return body + hashlib.blake2b(body, digest_size=8).digest()


@dataclass(frozen=True)
class Forgery:
    """A token file by its fields, to be rewritten at will; numbers too large for 63 bits included."""

    version: int = 1
    model: int = 0
    fingerprint: bytes = bytes.fromhex(NAME)
    streams: int = 3
    note: bytes = b""
    note_length: int | None = None
    chunks: tuple[tuple[int, int, int, bytes], ...] = ()  # rows, words, CRC, payload
    count: int = 0
    tail: bytes = b""
    numbers: object = field(default=layout.varint)

    def bytes(self):
        v = self.numbers
        length = len(self.note) if self.note_length is None else self.note_length
        body = layout.MAGIC + bytes([self.version, self.model]) + self.fingerprint + v(self.streams) + v(length) + self.note
        for rows, words, crc, payload in self.chunks:
            body += v(rows) + v(words) + crc.to_bytes(4, "little") + payload
        return sealed(body + v(0) + v(self.count) + self.tail)


def honest(model, seed=0, count=200):
    """A file that is right, as fields: chunks of 64 indices each (see `small_chunks`)."""
    rng = np.random.default_rng(seed)
    rows = np.stack([np.zeros(count, int), rng.choice(3, count, p=[0.97, 0.01, 0.02]), rng.integers(0, 40, count)], axis=1)
    data = pack(rows, SPEC, model=model, about={"picture": [3, 4]})
    place, chunks = 6 + 8 + 1, []
    length = data[place]
    note = data[place + 1 : place + 1 + length]
    place += 1 + length
    while data[place]:
        size, words = data[place], data[place + 1]
        payload = data[place + 6 : place + 6 + 4 * words]
        chunks.append((size, words, int.from_bytes(data[place + 2 : place + 6], "little"), payload))
        place += 6 + 4 * words
    file = Forgery(model=model.code, note=note, chunks=tuple(chunks), count=count)
    assert file.bytes() == data
    return file, rows


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of 21 rows, so that a short file has many."""
    monkeypatch.setattr(layout, "_CHUNK_INDICES", 64)


def flip(data, rng):
    place = int(rng.integers(len(data)))
    return data[:place] + bytes([data[place] ^ (1 << int(rng.integers(8)))]) + data[place + 1 :]


def cut(data, rng):
    return data[: int(rng.integers(len(data)))]


def insert(data, rng):
    place = int(rng.integers(len(data) + 1))
    return data[:place] + rng.bytes(int(rng.integers(1, 9))) + data[place:]


def splice(data, rng):
    first, second = sorted(rng.integers(0, len(data), 2).tolist())
    return data[:first] + data[second:] if first != second else data[:first]


def duplicate(data, rng):
    first, second = sorted(rng.integers(0, len(data), 2).tolist())
    return data[:second] + data[first:second] + (data[second:] or b"\0") if first != second else data + b"\0"


HARM = [flip, cut, insert, splice, duplicate]


FIELDS = [
    *("version", "model", "fingerprint", "streams", "note", "note_length", "count", "tail", "long"),
    *("rows", "words", "crc", "payload", "payload_cut", "payload_grown", "payload_ones", "chunk_lost", "chunks_swapped"),
]


def number(rng):
    return int(rng.choice([0, 1, 2, 20, 21, 22, 127, 128, 1 << 14, 1 << 20, 1 << 32, (1 << 62) + 5]))


def rewrite(file, rng):
    """Return the name of a field and the file with that field rewritten."""
    chunks = list(file.chunks)
    at = int(rng.integers(len(chunks)))
    rows, words, crc, payload = chunks[at]
    name = str(rng.choice(FIELDS))
    pad = int(rng.choice([0, 9]))
    plain = {
        "version": lambda: {"version": int(rng.choice([0, 2, 255]))},
        "model": lambda: {"model": int(rng.integers(256))},
        "fingerprint": lambda: {"fingerprint": rng.bytes(8)},
        "streams": lambda: {"streams": number(rng)},
        "note": lambda: {"note": flip(file.note, rng)},
        "note_length": lambda: {"note_length": number(rng)},
        "count": lambda: {"count": number(rng)},
        "tail": lambda: {"tail": rng.bytes(int(rng.integers(1, 9)))},
        "long": lambda: {"numbers": lambda n: bytes(g | 0x80 for g in layout.varint(n)) + bytes([0x80] * pad + [0])},
    }
    if name in plain:
        return name, replace(file, **plain[name]())
    if name == "chunk_lost":
        del chunks[at]
    elif name == "chunks_swapped":
        chunks[at], chunks[0] = chunks[0], chunks[at]
    else:
        chunks[at] = {
            "rows": lambda: (number(rng), words, crc, payload),
            "words": lambda: (rows, number(rng), crc, payload),
            "crc": lambda: (rows, words, crc ^ (1 << int(rng.integers(32))), payload),
            "payload": lambda: (rows, words, crc, flip(payload, rng)),
            "payload_cut": lambda: (rows, words - 1, crc, payload[:-4]),
            "payload_ones": lambda: (rows, words, crc, b"\xff" * len(payload)),
            "payload_grown": lambda: (rows, words + 3, crc, payload + rng.bytes(12)),
        }[name]()
    return name, replace(file, chunks=tuple(chunks))


def outcome(data):
    """Return why a file was refused, or "read"; anything but a FormatError, or an impossible index, fails the test."""
    try:
        tokens = unpack(data, SPEC)
    except FormatError as error:
        return str(error)
    assert (tokens >= 0).all()
    assert (tokens < np.array(SPEC.sizes)).all()
    return "read"


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("amount", [2000, pytest.param(10_000, marks=pytest.mark.long)])
def test_damage(amount):
    """Flipped, cut, inserted, spliced, doubled bytes, a fifth each: the checksum or the first bytes tell of every one."""
    rng = np.random.default_rng(1)
    files = [honest(model)[0].bytes() for model in (Static(), Adaptive(), OrderOne())]
    for turn in range(amount):
        data = files[turn % 3]
        harmed = HARM[turn % len(HARM)](data, rng)
        assert harmed == data or outcome(harmed) != "read", harmed


REASONS = [  # the first that a message holds is counted
    "takes more than 9 bytes",
    "upgrade zador",
    "format version 0 never was",
    "was written with another quantizer",
    "number of streams",
    "length of the note",
    "its note is no JSON",
    "rows of a chunk",
    "is not the last",
    "words of a chunk",
    "are promised where",
    "rows are promised, the chunks hold",
    "bytes follow the end",
    "the coded indices make no sense",
    "the decoded indices are not those",
    "begins with",
    "read",
]


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("amount", [2000, pytest.param(10_000, marks=pytest.mark.long)])
def test_forgery(amount):
    """Fields rewritten, or bytes damaged blindly, under a checksum that fits: errors of every kind we have, or indices.

    A fourth of the files is damaged blindly; the rest has one of 18 fields rewritten. Every one of the reasons to refuse a
    file is met, and only a forgery that changes no index is ever read.
    """
    rng = np.random.default_rng(2)
    originals = [honest(model) for model in (Static(), Adaptive(), OrderOne())]
    fields, reasons = Counter(), Counter()
    for turn in range(amount):
        file, rows = originals[turn % 3]
        if turn % 4 == 3:
            name, data = "blind", sealed(HARM[turn // 4 % len(HARM)](file.bytes()[:-8], rng))
        else:
            name, forgery = rewrite(file, rng)
            data = forgery.bytes()
        reason = outcome(data)
        assert "\n" not in reason
        assert len(reason) < 300
        if reason == "read" and name not in {"note", "chunks_swapped", "blind"}:
            np.testing.assert_array_equal(unpack(data, SPEC), rows)  # the field was rewritten to what it was
        fields[name] += 1
        reasons[next(known for known in REASONS if known in reason)] += 1
    assert len(fields) == 19
    assert min(fields.values()) > amount / 60
    assert set(reasons) == set(REASONS)
    assert reasons["read"] < amount / 10


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"\x93NUMPY\x01\x00", r"begins with b'\\x93NUM', a token file begins with"),
        (b"\x89ZT", "begins with"),
        (b"\x89ZTK", "truncated or altered"),
        (b"\x89ZTK\x02 whatever", "format version 2, this zador reads up to 1; upgrade zador"),
        (b"\x89ZTK\x01" + bytes(30), "its checksum does not fit; the file was truncated or altered"),
        (sealed(b"\x89ZTK"), "format version|bytes are promised"),
        (sealed(b"\x89ZTK\x01"), "2 bytes are promised where 1 remain"),
        (Forgery(version=0).bytes(), "format version 0 never was"),
        (Forgery(model=3).bytes(), "entropy model 3, this zador knows 0 to 2; upgrade zador"),
        (Forgery(numbers=lambda n: bytes([n | 0x80, 0])).bytes(), "number of streams 3 cannot be"),
        (Forgery(streams=0).bytes(), "number of streams 0 cannot be"),
        (Forgery(streams=65537).bytes(), "number of streams 65537 cannot be"),
        (Forgery(count=1).bytes(), "1 rows are promised, the chunks hold 0"),
        (Forgery(tail=b"x").bytes(), "1 bytes follow the end"),
        (Forgery(chunks=((1, 0, 0, b""),) * 2, count=2).bytes(), "a chunk of 1 rows is not the last"),
        (Forgery(chunks=((349_526, 0, 0, b""),), count=349_526).bytes(), "rows of a chunk 349526 cannot be"),
        (Forgery(chunks=((1, 6, 0, bytes(24)),), count=1).bytes(), "words of a chunk 6 cannot be"),
    ],
)
def test_what_is_refused_says_why(data, message, tmp_path):
    """Foreign, too new, truncated, or against the rules: the message says which, in memory as on disk, in one line."""
    with pytest.raises(FormatError, match=message) as caught:
        unpack(data, SPEC)
    assert "\n" not in str(caught.value)
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(FormatError, match=message) as caught:
        TokenReader(tmp_path / "file")
    assert str(caught.value).startswith(f"{tmp_path / 'file'}: ")


@pytest.mark.parametrize(
    ("note", "message"),
    [
        (b"\xff", "its note is no JSON"),
        (b"{", "its note is no JSON"),
        (b"[1]", "its note is a JSON list, not an object"),
        (b'{"a":NaN}', "NaN is no number"),
        (b'{"a":1e999}', "1e999 is beyond float64"),
        (b'{"a":"\\ud800"}', "its note is no JSON"),
        (b'{"a":' + b"[" * 200_000, "its note is no JSON"),
        (b'{"a":' + b"9" * 5000 + b"}", "its note is no JSON"),
    ],
)
def test_notes_that_lie(note, message):
    """A note that is no JSON object, holds what cannot be printed, or digs at the parser: a FormatError."""
    with pytest.raises(FormatError, match=message):
        unpack(Forgery(note=note).bytes(), SPEC)


@pytest.mark.usefixtures("small_chunks")
def test_words_that_nobody_needs():
    """A payload that goes on after its indices is refused, even with the check value of the indices and the checksum."""
    file, _ = honest(Static())
    (rows, words, crc, payload), *others = file.chunks
    longer = replace(file, chunks=((rows, words + 3, crc, payload + b"\x55" * 12), *others))
    with pytest.raises(FormatError, match="not those that were written"):
        unpack(longer.bytes(), SPEC)


class PanicException(BaseException):
    """A panic, which is no Exception."""


@pytest.mark.parametrize("complaint", [AssertionError, PanicException])
def test_what_the_coder_throws_is_turned_into_an_error(complaint):
    """Its assertions and the panics of its Rust code become a FormatError; an interrupt passes."""
    with pytest.raises(FormatError, match="make no sense"), refusing_garbage("data"):
        raise complaint
    with pytest.raises(KeyboardInterrupt), refusing_garbage("data"):
        raise KeyboardInterrupt


def peak(work):
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "lie",
    [
        {"note_length": 1 << 60},
        {"chunks": ((1 << 60, 1 << 60, 0, b""),), "count": 1 << 60},
        {"chunks": ((300_000, 900_002, 0, b""),), "count": 300_000},
        {"count": 1 << 62},
        {"streams": 1 << 60},
    ],
)
def test_a_lying_header_allocates_nothing(lie):
    """Numbers that promise petabytes cost less than 3 MiB, most of it one block for the checksum."""

    def read():
        with pytest.raises(FormatError):
            unpack(Forgery(**lie).bytes(), SPEC)

    assert peak(read) < 3 << 20


@pytest.mark.parametrize("model", [Static(), Adaptive(), OrderOne()], ids=lambda model: model.name)
def test_a_bomb_stays_small_in_memory(model, tmp_path):
    """10**9 rows in 9 kB, all of them the one symbol there is: read piece by piece in bounded memory, not at once."""
    rows = layout.rows_per_chunk(1)
    crc = zlib.crc32(np.zeros(rows, "<i4").tobytes())
    bomb = Forgery(model=model.code, streams=1, chunks=((rows, 0, crc, b""),) * 1000, count=1000 * rows).bytes()
    spec = StreamSpec((1,), [[1]], NAME)
    assert len(bomb) < 10_000
    with pytest.raises(DataError, match="more than limit="):
        unpack(bomb, spec)
    (tmp_path / "bomb").write_bytes(bomb)

    def read():
        reader = TokenReader(tmp_path / "bomb")
        assert reader.count == 1000 * rows
        for turn, _ in enumerate(reader.chunks(spec)):
            if turn == 50:  # in the fourth chunk
                return

    assert peak(read) < 40 << 20


def test_a_payload_of_zeros_for_many_rows():
    """A chunk that decodes 2**20 indices out of four bytes is refused after that chunk, in bounded memory."""
    spec = StreamSpec((3,), [[1, 1, 1]], NAME)
    liar = Forgery(streams=1, chunks=((1 << 20, 1, 0, bytes(4)),) * 100, count=100 << 20).bytes()

    def read():
        with pytest.raises(FormatError, match=r"make no sense|not those that were written"):
            unpack(liar, spec)

    assert peak(read) < 40 << 20
