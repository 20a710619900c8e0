"""A document of the view and the one that Solr returns, field by field. Pure.

The hash in the document says what was written. That Solr still has it so, and nobody edited it there, only the values
tell. Compared are the types that Solr gives back exactly; a box comes back as something else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from outbox.index import Field

_EXACT = frozenset({"string", "text_general", "plong", "pint", "pdouble", "boolean", "pdate"})
_FRACTION = re.compile(r"\.(\d+)Z$")


def comparable(fields: Sequence[Field]) -> list[Field]:
    """Those whose values can be compared."""
    return [field for field in fields if field.solr_type in _EXACT and field.name != "id"]


def differing(fields: Sequence[Field], view: dict[str, Any], solr: dict[str, Any]) -> list[str]:
    """The names of the comparable fields whose values differ; `view` is the JSON that Postgres makes of a row."""
    return [
        field.name
        for field in comparable(fields)
        if _normal(field, view.get(field.name)) != _normal(field, solr.get(field.name))
    ]


def _normal(field: Field, value: Any) -> Any:
    """As Solr stores it: no nulls, no empty lists; a field of many values is a list."""
    if isinstance(value, list):
        return [_one(field, each) for each in value if each is not None] or None
    if value is None:
        return None
    return [_one(field, value)] if field.multivalued else _one(field, value)


def _one(field: Field, value: Any) -> Any:
    if field.solr_type == "pdate":
        return _FRACTION.sub(_milliseconds, str(value))
    if field.solr_type == "pdouble":
        return float(value)
    if field.solr_type in ("string", "text_general"):
        return _text(value)
    return value


def _text(value: Any) -> str:
    """A column that is no text may have been given a field of text: then Solr has its JSON."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _milliseconds(found: re.Match[str]) -> str:
    digits = found[1][:3].ljust(3, "0")
    return "Z" if digits == "000" else f".{digits}Z"
