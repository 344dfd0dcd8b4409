"""The bytes of a token file; docs/coding.md has them in a table.

Whatever is read here is bounded by the file's own length and by `rows_per_chunk`, never by a number that the file claims.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, BinaryIO

from zador.coding import about as notes
from zador.coding.models import MODELS
from zador.coding.streams import MOST_STREAMS
from zador.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CHECKSUM_BYTES", "Chunk", "Cursor", "Frame", "chunks", "head", "rows_per_chunk", "scan", "varint"]

MAGIC = b"\x89ZTK"  # no text begins so, and a transfer that strips the eighth bit is noticed
VERSION = 1
CHECKSUM_BYTES = 8
_CHUNK_INDICES = 1 << 20
_FINGERPRINT_BYTES = 8
_CRC_BYTES = 4
_WORD_BYTES = 4
_HASH_BYTES = 1 << 20
_LONGEST_VARINT = 9  # 63 bits


@dataclass(frozen=True)
class Frame:
    """What a token file says before anything in it is decoded.

    Attributes:
        model: position in `MODELS`.
        fingerprint: of the quantizer, 16 hexadecimal digits.
        streams: indices per row.
        about: the caller's note.
        start: where the first chunk begins, in bytes.
        count: rows in all.
        file_bytes: length of the file.
        checksum: its last 8 bytes.
    """

    model: int
    fingerprint: str
    streams: int
    about: dict[str, Any]
    start: int
    count: int
    file_bytes: int
    checksum: bytes


@dataclass(frozen=True)
class Chunk:
    """What stands before the payload of a chunk: its rows, the bytes of its payload, and the CRC-32 of its indices."""

    rows: int
    size: int
    crc: int


def rows_per_chunk(streams: int) -> int:
    """Return how many rows a full chunk holds: 2**20 indices, or the next lower multiple of `streams`."""
    return _CHUNK_INDICES // streams


def varint(number: int) -> bytes:
    """Return `number` >= 0 in groups of 7 bits, lowest first, the eighth bit set on all but the last (LEB128)."""
    groups = bytearray()
    while number >= 0x80:  # noqa: PLR2004 - what 7 bits hold
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def head(model: int, fingerprint: str, streams: int, about: bytes) -> bytes:
    """Return the bytes before the first chunk."""
    fixed = MAGIC + bytes([VERSION, model]) + bytes.fromhex(fingerprint)
    return fixed + varint(streams) + varint(len(about)) + about


class Cursor:
    """A place in an open file, up to an end that it never crosses.

    Attributes:
        name: the file, for messages.
        place: bytes from the beginning.
        end: where the checksum begins.
    """

    def __init__(self, file: BinaryIO, name: str, place: int, end: int) -> None:
        self._file = file
        self.name, self.place, self.end = name, place, end
        file.seek(place)

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        self._advance(size)
        data = self._file.read(size)
        if len(data) != size:
            raise self.wrong("it became shorter while being read")
        return data

    def skip(self, size: int) -> None:
        """Pass over the next `size` bytes."""
        self._advance(size)
        self._file.seek(self.place)

    def varint(self, what: str, most: int) -> int:
        """Return the next number, which is `what` and at most `most`."""
        number = 0
        for position in range(_LONGEST_VARINT):
            byte = self.take(1)[0]
            number |= (byte & 0x7F) << (7 * position)
            if byte < 0x80:  # noqa: PLR2004 - the last group
                if number > most or (byte == 0 and position):
                    raise self.wrong(f"{what} {number} cannot be")
                return number
        raise self.wrong(f"{what} takes more than {_LONGEST_VARINT} bytes")

    def wrong(self, what: str) -> FormatError:
        """Return an error that says so."""
        return FormatError(f"{self.name}: {what} (before byte {self.place}); the file was altered, get it again")

    def _advance(self, size: int) -> None:
        if size > self.end - self.place:
            raise self.wrong(f"{size} bytes are promised where {self.end - self.place} remain")
        self.place += size


def scan(file: BinaryIO, name: str) -> Frame:
    """Return the frame of the open token file `file`, after checking all of it that needs no decoding.

    Raises:
        FormatError: foreign, too new, truncated or altered; `name` is named.
    """
    length = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(len(MAGIC) + 1)
    if start[: len(MAGIC)] != MAGIC:
        what = "is empty" if not length else f"begins with {start[: len(MAGIC)]!r}"
        raise FormatError(f"{name}: {what}, a token file begins with {MAGIC!r}; give one that `zador encode` wrote")
    if start[len(MAGIC) :] > bytes([VERSION]):
        raise FormatError(f"{name}: format version {start[-1]}, this zador reads up to {VERSION}; upgrade zador")
    end = length - CHECKSUM_BYTES
    checksum = _checksum(file, end)
    if end < len(start) or file.read(CHECKSUM_BYTES) != checksum:
        raise FormatError(f"{name}: its checksum does not fit; the file was truncated or altered, get it again")
    return _frame(Cursor(file, name, len(MAGIC), end), checksum)


def _checksum(file: BinaryIO, end: int) -> bytes:
    file.seek(0)
    found = blake2b(digest_size=CHECKSUM_BYTES)
    left = max(0, end)
    while left and (block := file.read(min(left, _HASH_BYTES))):
        found.update(block)
        left -= len(block)
    return found.digest()


def _frame(cursor: Cursor, checksum: bytes) -> Frame:
    version, model = cursor.take(2)
    if version != VERSION:
        raise cursor.wrong(f"format version {version} never was")
    if model >= len(MODELS):
        raise FormatError(f"{cursor.name}: entropy model {model}, this zador knows 0 to {len(MODELS) - 1}; upgrade zador")
    fingerprint = cursor.take(_FINGERPRINT_BYTES).hex()
    streams = cursor.varint("number of streams", MOST_STREAMS)
    if not streams:
        raise cursor.wrong("number of streams 0 cannot be")
    about = notes.load(cursor.take(cursor.varint("length of the note", notes.LONGEST)), cursor.name)
    start, count = cursor.place, 0
    for chunk in chunks(cursor, streams):
        cursor.skip(chunk.size)
        count += chunk.rows
    promised = cursor.varint("number of rows", (1 << 63) - 1)
    if promised != count:
        raise cursor.wrong(f"{promised} rows are promised, the chunks hold {count}")
    if cursor.place != cursor.end:
        raise cursor.wrong(f"{cursor.end - cursor.place} bytes follow the end")
    return Frame(model, fingerprint, streams, about, start, count, cursor.end + CHECKSUM_BYTES, checksum)


def chunks(cursor: Cursor, streams: int) -> Iterator[Chunk]:
    """Yield what stands before each payload; the caller takes or skips the payload before asking for the next."""
    full = rows = rows_per_chunk(streams)
    while True:
        before, rows = rows, cursor.varint("rows of a chunk", full)
        if not rows:
            return
        if before != full:
            raise cursor.wrong(f"a chunk of {before} rows is not the last, though a full one holds {full}")
        # An index takes 24 bits at most, the end of a chunk two words.
        words = cursor.varint("words of a chunk", rows * streams + 2)
        yield Chunk(rows, words * _WORD_BYTES, int.from_bytes(cursor.take(_CRC_BYTES), "little"))
