"""What the configuration of a collection gives: version constraints and hidden tombstones. Pure.

It reads the answer of GET /COLLECTION/config, which is the whole configuration, overlays of the Config API included.
Seen with Solr 9.10.1: the processors of a chain come under the key "" with their class alone, so which field the
constraint compares is not told.
"""

from __future__ import annotations

import re
from typing import Any

_CONSTRAINT = "DocBasedVersionConstraintsProcessorFactory"
_HIDDEN = r"^\s*(-|!|NOT )\s*({field}:\"?true\"?|{{!term f={field} v=true}})\s*$"


def fences(config: dict[str, Any]) -> bool:
    """Whether the chain that /update uses drops a document whose version is not higher than the one that is there."""
    return any(_class(each).endswith(_CONSTRAINT) for each in _processors(config, _chain(config)))


def hides(config: dict[str, Any], field: str) -> bool:
    """Whether searches by /select never show documents in which that field is true, whatever the caller sends."""
    handler = config.get("requestHandler", {}).get("/select", {})
    shapes = [handler, *(each for each in _list(config.get("initParams")) if "/select" in _paths(each))]
    filters = [text for shape in shapes for kind in ("appends", "invariants") for text in _filters(shape.get(kind))]
    pattern = re.compile(_HIDDEN.format(field=re.escape(field)))
    return any(pattern.match(text) for text in filters)


def _chain(config: dict[str, Any]) -> dict[str, Any]:
    """The chain of /update: the one that its parameters name, else the default one; empty for Solr's own."""
    chains = [each for each in _list(config.get("updateRequestProcessorChain")) if isinstance(each, dict)]
    named = _named_chain(config)
    for chain in chains:
        is_default = str(chain.get("default", "")).lower() == "true" or not chain.get("name")
        if chain.get("name") == named if named else is_default:
            return chain
    return {}


def _named_chain(config: dict[str, Any]) -> str:
    handler = config.get("requestHandler", {}).get("/update", {})
    shapes = [handler, *(each for each in _list(config.get("initParams")) if _paths(each) & {"/update", "/update/**"})]
    found = [_map(shape.get(kind)).get("update.chain") for kind in ("invariants", "defaults") for shape in shapes]
    return next((str(name) for name in found if name), "")


def _processors(config: dict[str, Any], chain: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that stand in the chain, and those that it names."""
    named = _map(config.get("updateProcessor"))
    names = [name.strip() for name in str(chain.get("processor", "")).split(",")]
    return [*(_map(each) for each in _list(chain.get(""))), *(_map(named.get(name)) for name in names)]


def _class(processor: dict[str, Any]) -> str:
    return str(processor.get("class", ""))


def _paths(shape: Any) -> set[str]:
    return {path.strip() for path in str(_map(shape).get("path", "")).split(",")}


def _filters(parameters: Any) -> list[str]:
    return [str(each) for each in _list(_map(parameters).get("fq"))]


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    """Solr gives a thing that is there once without a list around it."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
