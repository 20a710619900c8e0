"""The core as the tutorial makes it: types and fields by the Schema API, and documents that are not ours.

Names and types are those of docs/09_solr.md in github.com/capooti/foss4g_2017_geonode_solr.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from outbox.solr.client import Solr

CORE = "boston"
CONF = Path(__file__).with_name("boston") / "conf"

_TYPES: tuple[dict[str, Any], ...] = (
    {
        "name": "location_rpt_quad_5m",
        "class": "solr.SpatialRecursivePrefixTreeFieldType",
        "geo": False,
        "worldBounds": "ENVELOPE(-180, 180, 180, -180)",
        "prefixTree": "packedQuad",
        "distErrPct": "0.025",
        "maxDistErr": "0.001",
        "distanceUnits": "degrees",
    },
    {"name": "rdates", "class": "solr.DateRangeField", "multiValued": True},
)
_FIELDS: tuple[dict[str, Any], ...] = (
    {"name": "name", "type": "string"},
    {"name": "title", "type": "string"},
    {"name": "abstract", "type": "string"},
    {"name": "bbox", "type": "location_rpt_quad_5m"},
    {"name": "category", "type": "string"},
    {"name": "modified_date", "type": "rdates"},
    {"name": "username", "type": "string"},
    {"name": "keywords", "type": "string", "multiValued": True},
    {"name": "regions", "type": "string", "multiValued": True},
)


def create_schema(solr: Solr) -> None:
    """Add the tutorial's two types and nine fields to its core."""
    for command, definitions in (("add-field-type", _TYPES), ("add-field", _FIELDS)):
        for definition in definitions:
            solr.admin(f"/{CORE}/schema", {}, body=orjson.dumps({command: definition}))


def harvested(number: int) -> dict[str, Any]:
    """A document as the tutorial harvests them from a catalogue service: it has no name and no user."""
    return {
        "id": f"csw-{number}",
        "title": f"harvested {number}",
        "abstract": "of another catalogue",
        "bbox": "ENVELOPE(-71.2,-70.9,42.4,42.2)",
        "category": "Oceans",
        "modified_date": "2016-11-05T00:00:00Z",
        "keywords": ["geology", "research"],
        "regions": ["Global"],
    }
