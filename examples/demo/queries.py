"""The tutorial's queries, asked of the demo's collection: text, facets, date ranges, space, heatmap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from examples.demo import screen
from outbox.solr.client import Params, Solr


@dataclass(frozen=True, slots=True)
class Query:
    """A question in words, and as Solr's parameters."""

    question: str
    parameters: Params


QUERIES = (
    Query("layers about water, best first", {"q": "water", "rows": 3, "fl": "id,title,score"}),
    Query(
        "titles from M on, in order",
        {"q": "*:*", "fq": "title_s:[M TO *]", "rows": 3, "sort": "title_s asc", "fl": "title"},
    ),
    Query("how many layers each category has", {"q": "*:*", "rows": 0, "facet": True, "facet.field": "category"}),
    Query(
        "the most used keywords and regions of boundaries",
        {"q": "category:*oundar*", "rows": 0, "facet": True, "facet.field": ["keywords", "regions"], "facet.limit": 5},
    ),
    Query(
        "layers by year of their date",
        {
            "q": "*:*",
            "rows": 0,
            "facet": True,
            "facet.range": "modified_date",
            "facet.range.start": "2015-01-01T00:00:00Z",
            "facet.range.end": "2026-01-01T00:00:00Z",
            "facet.range.gap": "+2YEARS",
            "facet.range.other": "all",
        },
    ),
    Query(
        "layers of 2024 only",
        {"q": "*:*", "fq": "modified_date:[2024-01-01T00:00:00Z TO 2025-01-01T00:00:00Z}", "rows": 0},
    ),
    Query(
        "layers whose box lies within Europe",
        {"q": "*:*", "fq": "{!field f=bbox}IsWithin(ENVELOPE(-25,45,72,34))", "rows": 3, "fl": "title,bbox"},
    ),
    Query(
        "layers whose box meets the dateline",
        {"q": "*:*", "fq": "{!field f=bbox}Intersects(ENVELOPE(179,-179,90,-90))", "rows": 0},
    ),
    Query(
        "a heatmap of the world",
        {
            "q": "*:*",
            "rows": 0,
            "facet": True,
            "facet.heatmap": "bbox_heatmap",
            "facet.heatmap.geom": '["-180 -90" TO "180 90"]',
            "facet.heatmap.gridLevel": 5,
        },
    ),
)


def ask(solr: Solr, alias: str, query: Query) -> None:
    """Ask, and print the answer."""
    answer = solr.select(alias, query.parameters)
    screen.line(f"\n? {query.question}")
    screen.line(f"  {answer['response']['numFound']} found")
    for document in answer["response"]["docs"]:
        screen.line(
            f"  - {screen.shortened(', '.join(_cell(value) for key, value in document.items() if key != 'id'), 120)}"
        )
    for text in _facets(answer.get("facet_counts", {})):
        screen.line(f"  {text}")


def _cell(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _facets(counts: dict[str, Any]) -> list[str]:
    lines = [f"{name}: {_pairs(values)}" for name, values in counts.get("facet_fields", {}).items()]
    for name, ranges in counts.get("facet_ranges", {}).items():
        lines.append(f"{name}: {_pairs(ranges['counts'])}; before {ranges['before']}, after {ranges['after']}")
    for heatmap in counts.get("facet_heatmaps", {}).values():
        lines.extend(
            _drawn(heatmap if isinstance(heatmap, dict) else dict(zip(heatmap[::2], heatmap[1::2], strict=True)))
        )
    return lines


def _pairs(values: list[Any], most: int = 6) -> str:
    pairs = list(zip(values[::2], values[1::2], strict=True))[:most]
    return ", ".join(f"{str(name)[:30]} {count}" for name, count in pairs)


def _drawn(heatmap: dict[str, Any]) -> list[str]:
    """The counts as shades, north above."""
    shades = " .:-=+*#%@"
    rows = heatmap["counts_ints2D"] or []
    highest = max((count for row in rows for count in row or ()), default=0)
    if not highest:
        return ["no cells"]
    width = heatmap["columns"]
    full = [row or [0] * width for row in rows]
    # Two rows in one line, each cell two characters wide: a character is twice as high as it is wide.
    lines = [
        [max(pair) for pair in zip(north, south, strict=True)]
        for north, south in zip(full[::2], full[1::2], strict=True)
    ]
    drawn = ["".join(shades[min(9, -(-9 * count // highest))] * 2 for count in line) for line in lines]
    return [f"{width} x {heatmap['rows']} cells, {highest} layers in the fullest", *drawn]
