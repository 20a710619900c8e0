"""Boxes on the globe, for tests: what Solr should find, told without Solr. A box is west, east, south, north."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Box = tuple[float, float, float, float]


def edges(envelope: str) -> Box:
    """The box of Solr's text, whose order is west, east, north, south."""
    west, east, north, south = (float(number) for number in re.findall(r"-?[\d.]+", envelope))
    return west, east, south, north


def relates(predicate: str, box: Box, other: Box) -> bool:
    """Whether "Intersects", "IsWithin" or "Contains" holds between a document's box and another."""
    if predicate == "IsWithin":
        return _within(box, other)
    if predicate == "Contains":
        return _within(other, box)
    across = any(a[0] <= b[1] and b[0] <= a[1] for a in _arcs(box) for b in _arcs(other))
    return across and box[2] <= other[3] and other[2] <= box[3]


def cells_of(heatmap: dict[str, Any]) -> Iterator[Box]:
    """The cells of Solr's answer, from the north-west, row by row."""
    width = (heatmap["maxX"] - heatmap["minX"]) / heatmap["columns"]
    height = (heatmap["maxY"] - heatmap["minY"]) / heatmap["rows"]
    for row in range(heatmap["rows"]):
        for column in range(heatmap["columns"]):
            west, north = heatmap["minX"] + column * width, heatmap["maxY"] - row * height
            yield west, west + width, north - height, north


def _within(box: Box, other: Box) -> bool:
    across = all(any(b[0] <= a[0] and a[1] <= b[1] for b in _arcs(other)) for a in _arcs(box))
    return across and other[2] <= box[2] and box[3] <= other[3]


def _arcs(box: Box) -> list[tuple[float, float]]:
    west, east, *_ = box
    return [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
