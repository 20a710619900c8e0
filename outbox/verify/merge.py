"""Two streams in key order, side by side. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

L = TypeVar("L")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Pair(Generic[L, R]):
    """What one key has on either side; a list is empty where there is nothing, and has more than one where a key
    comes several times."""

    key: str
    left: list[L]
    right: list[R]


def merge(left: Iterable[tuple[str, L]], right: Iterable[tuple[str, R]]) -> Iterator[Pair[L, R]]:
    """Every key of either stream, in order; both ascend by the bytes of UTF-8.

    Raises ValueError if one does not ascend: then nothing that was found is to be trusted.
    """
    lefts, rights = _grouped(left, "the view"), _grouped(right, "Solr")
    one, other = next(lefts, None), next(rights, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            assert one is not None  # noqa: S101 - one of them is there
            yield Pair(one[0].decode(), one[1], [])
            one = next(lefts, None)
        elif one is None or other[0] < one[0]:
            yield Pair(other[0].decode(), [], other[1])
            other = next(rights, None)
        else:
            yield Pair(one[0].decode(), one[1], other[1])
            one, other = next(lefts, None), next(rights, None)


T = TypeVar("T")


def _grouped(stream: Iterable[tuple[str, T]], name: str) -> Iterator[tuple[bytes, list[T]]]:
    """The values of each key together; keys as bytes, whose order is that of COLLATE "C" and of Solr's ids."""
    at: bytes | None = None
    values: list[T] = []
    for key, value in stream:
        found = key.encode()
        if at is not None and found < at:
            raise ValueError(f"{name} does not list its keys in order: {key!r} after {at.decode()!r}")
        if at is not None and found != at:
            yield at, values
            values = []
        at = found
        values.append(value)
    if at is not None:
        yield at, values
