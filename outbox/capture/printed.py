"""What Postgres prints of our triggers and functions, compared with what we wrote. Pure.

The hash in a name says what was made, not what stands: somebody may have replaced it under the same name. The printed
text follows the renaming of columns, so names that the table no longer has may be printed as others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_WHEN = re.compile(r"\bWHEN (.*) EXECUTE FUNCTION ")
_SIDE = re.compile(r"old\.(#\d+#|\w+)((?:::[\w .,:#\[\]]+?)?)( COLLATE (?:#\d+#|\w+))?")
_ARRAY = re.compile(r"\bSELECT ARRAY\[(.*)\](?: AS #\d+#)?;")
_VALUE = re.compile(r"\$1\.(#\d+#|\w+)(?:::text)?")

Tests = frozenset[tuple[str, bool]]
"""Columns, and whether their text is compared."""


def compared(trigger: str) -> Tests | None:
    """The columns that a trigger's WHEN compares, by its CREATE TRIGGER; none without WHEN, None for any other WHEN."""
    text, names = _plain(trigger)
    found = _WHEN.search(text)
    if not found:
        return frozenset()
    tests = set()
    for term in found[1].split(" OR "):
        left, _, right = term.partition(" IS DISTINCT FROM ")
        left = re.sub(r"^OLD\.", "old.", left)
        side = _SIDE.fullmatch(left)
        if side is None or re.sub(r"^NEW\.", "new.", right) != f"new.{left.removeprefix('old.')}":
            return None
        collation = (side[3] or "").removeprefix(" COLLATE ")
        if collation and _name(collation, names) != "C":
            return None
        tests.add((_name(side[1], names), bool(collation)))
    return frozenset(tests)


def taken(body: str) -> list[str] | None:
    """The columns that a value function takes out of a row, in their order, by its body; None for any other body."""
    text, names = _plain(body)
    found = _ARRAY.search(text)
    if not found:
        return None
    values = [_VALUE.fullmatch(value) for value in found[1].split(", ")]
    return [_name(value[1], names) for value in values if value] if all(values) else None


def _plain(text: str) -> tuple[str, list[str]]:
    """On one line, without parentheses, which only group here, and with numbers for quoted names."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        name = found[1].replace('""', '"')
        if name not in names:
            names.append(name)
        return f"#{names.index(name)}#"

    return " ".join(re.sub(r"[()]", "", _QUOTED.sub(number, text)).split()), names


def _name(printed: str, names: Sequence[str]) -> str:
    return names[int(printed.strip("#"))] if printed.startswith("#") else printed


def same_tests(wanted: Tests | None, found: Tests | None, columns: Collection[str]) -> bool:
    """Whether two WHENs compare the same; `columns` are those that the table has now."""
    if wanted is None or found is None:
        return False
    lost, new = wanted - found, found - wanted
    renamed = Counter(as_text for _, as_text in lost) == Counter(as_text for _, as_text in new)
    return renamed and not any(name in columns for name, _ in lost)


def same_values(wanted: Sequence[str] | None, found: Sequence[str] | None, columns: Collection[str]) -> bool:
    """Whether two value functions take the same; `columns` are those that the table has now."""
    if wanted is None or found is None or len(wanted) != len(found):
        return False
    return all(one == other or one not in columns for one, other in zip(wanted, found, strict=True))
