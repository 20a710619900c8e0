"""What a plan of Postgres (EXPLAIN, VERBOSE, FORMAT JSON) says of the tables that it reads. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from outbox.capture.graph import Name

_SCANS = frozenset({"Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan"})


def nodes(plan: Any) -> Iterator[dict[str, Any]]:
    """Every node of the plan, the outermost first."""
    if isinstance(plan, list):
        for one in plan:
            yield from nodes(one)
    elif isinstance(plan, dict):
        if "Node Type" in plan:
            yield plan
        yield from nodes(plan.get("Plan"))
        yield from nodes(plan.get("Plans"))


def full_scans(plan: Any, leading: Mapping[str, str]) -> set[Name]:
    """The tables that are read from end to end: by no index, or by one whose order is of no use.

    `leading`: for each index its first column, quoted, or "" where it has no order by one. An index is searched also
    for later columns of it, but then read from end to end.
    """
    return {
        (node["Schema"], node["Relation Name"]) for node in nodes(plan) if _scans(node) and not _finds(node, leading)
    }


def supports(plan: Any, alias: str, leading: Mapping[str, str]) -> bool:
    """Whether the FROM item of that name is looked up by indexes; of a partitioned table, each partition."""
    scans = [node for node in nodes(plan) if _scans(node) and str(node["Alias"]).partition("_")[0] == alias]
    return all(_finds(node, leading) for node in scans)


def _scans(node: dict[str, Any]) -> bool:
    return "Relation Name" in node and node["Node Type"] in _SCANS


def _finds(node: dict[str, Any], leading: Mapping[str, str]) -> bool:
    return any(
        _begins(one.get("Index Cond", ""), node["Alias"], leading.get(one["Index Name"], ""))
        for one in _bitmaps(node)
        if "Index Name" in one
    )


def _bitmaps(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The node and the bitmaps that it is made of, not the sub-queries in its conditions."""
    yield node
    for one in node.get("Plans", ()):
        if one["Node Type"].startswith("Bitmap") and one["Node Type"] != "Bitmap Heap Scan":
            yield from _bitmaps(one)


def _begins(condition: str, alias: str, column: str) -> bool:
    """Whether the condition, printed with the names of the tables, looks for a value of the index's first column.

    IS NOT NULL looks for none: with it, Postgres 15 reads a whole index.
    """
    looked_for = [part for part in condition.split(" AND ") if not part.rstrip(")").endswith(" IS NOT NULL")]
    own = rf'(?<![\w"])"?{re.escape(alias)}"?\.{re.escape(column)}(?![\w"])'
    return any(not column or re.search(own, part) for part in looked_for if part)
