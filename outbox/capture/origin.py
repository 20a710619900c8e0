"""Where a view's column comes from, by Postgres' own parse tree: for views whose text is not understood. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from outbox.capture.catalogue import Catalogue, View

_ORIGIN = re.compile(r":resname (\S+) :ressortgroupref \d+ :resorigtbl (\d+) :resorigcol (\d+) :resjunk false")


def origin(catalogue: Catalogue, view: View, column: str) -> tuple[int, str] | None:
    """The table (its oid) and the column that a view's column is, through nested views; None if it is computed."""
    for entry in _target_list(view.action):
        match = _ORIGIN.search(entry)
        if match is None or match[1] != column or match[2] == "0":
            continue
        relation = catalogue.relations[int(match[2])]
        name = next(one.name for one in relation.columns if one.number == int(match[3]))
        nested = catalogue.views.get(relation.oid)
        return origin(catalogue, nested, name) if nested else (relation.oid, name)
    return None


def _target_list(action: str) -> Iterator[str]:
    """The entries of the outermost SELECT list: each one's own text, without that of the nodes in it.

    Nodes stand in braces; one that is part of a name is escaped by a backslash.
    """
    depth, own, escaped = 0, "", False
    for character in action:
        if character == "{" and not escaped:
            depth += 1
            own = "" if depth == 2 else own
        elif character == "}" and not escaped:
            if depth == 2 and own.startswith("TARGETENTRY"):
                yield own
            depth -= 1
        elif depth == 2:
            own += character
        escaped = character == "\\" and not escaped
