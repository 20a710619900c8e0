"""Sentences for what pydantic found wrong in the settings: where, what, and the nearest known name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable

from pydantic import ValidationError

KnownKeys = Callable[[str], set[str]]


def explain(error: ValidationError, where: str, known: KnownKeys) -> list[str]:
    """One sentence for each problem, in the order of the file; `known` gives the keys of a section."""
    return [_sentence(item["loc"], item["type"], item["msg"], where, known) for item in error.errors()]


def _sentence(location: Iterable[int | str], kind: str, message: str, where: str, known: KnownKeys) -> str:
    path = ".".join(str(part) for part in location)
    if kind == "extra_forbidden":
        section, _, key = path.rpartition(".")
        place = f"{where}, [{section}]" if section else where
        return f"{place}: unknown key {key!r}{_nearest(key, sorted(known(section)))}"
    if kind == "missing":
        return f"{where}: {path} is missing"
    return f"{where}: {path + ': ' if path else ''}{message.removeprefix('Value error, ')}"


def _nearest(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f": did you mean {near[0]!r}?" if near else f"; known keys: {', '.join(known)}"
