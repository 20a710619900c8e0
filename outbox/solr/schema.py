"""The fields that an index needs in its collection, and the Schema API's commands that add what lacks. Pure.

Every text-like column is also copied to `_text_`, the default search field; a text has a companion NAME_s for sorting
and facets, a box a companion NAME_heatmap for heatmaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from outbox.index import Field

TEXT = "text_general"
STRING = "string"
BOX = "bbox"
HEATMAP = "heatmap"
SORTABLE_CHARS = 256
_DEFAULT_SEARCH = "_text_"


@dataclass(frozen=True, slots=True)
class SolrField:
    """One field of a collection's schema."""

    name: str
    type: str
    multivalued: bool
    stored: bool = True

    def definition(self) -> dict[str, Any]:
        """As the Schema API wants it."""
        field: dict[str, Any] = {"name": self.name, "type": self.type, "multiValued": self.multivalued}
        return field if self.stored else {**field, "stored": False, "useDocValuesAsStored": False}


@dataclass(frozen=True, slots=True)
class CopyField:
    """One copyField; `most` characters, 0 for all."""

    source: str
    dest: str
    most: int = 0

    def definition(self) -> dict[str, Any]:
        """As the Schema API wants it."""
        copy: dict[str, Any] = {"source": self.source, "dest": self.dest}
        return {**copy, "maxChars": self.most} if self.most else copy


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A field that the collection has otherwise than the view needs it."""

    name: str
    wanted: str
    found: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What lacks in a collection, and what is there but otherwise."""

    fields: tuple[SolrField, ...]
    copies: tuple[CopyField, ...]
    mismatches: tuple[Mismatch, ...]

    def commands(self) -> dict[str, list[dict[str, Any]]]:
        """The body of one POST to the Schema API; empty when nothing lacks."""
        commands: dict[str, list[dict[str, Any]]] = {}
        if self.fields:
            commands["add-field"] = [field.definition() for field in self.fields]
        if self.copies:
            commands["add-copy-field"] = [copy.definition() for copy in self.copies]
        return commands


def wanted(columns: Iterable[Field]) -> tuple[list[SolrField], list[CopyField]]:
    """The fields and copies that the columns of a view need; `id` is the configset's own."""
    fields: list[SolrField] = []
    copies: list[CopyField] = []
    for column in columns:
        if column.name == "id":
            continue
        fields.append(SolrField(column.name, column.solr_type, column.multivalued))
        if column.solr_type == TEXT:
            fields.append(SolrField(f"{column.name}_s", STRING, column.multivalued, stored=False))
            copies.append(CopyField(column.name, f"{column.name}_s", SORTABLE_CHARS))
        if column.solr_type in (TEXT, STRING):
            copies.append(CopyField(column.name, _DEFAULT_SEARCH))
        if column.solr_type == BOX:
            fields.append(SolrField(f"{column.name}_heatmap", HEATMAP, column.multivalued, stored=False))
            copies.append(CopyField(column.name, f"{column.name}_heatmap"))
    return fields, copies


def bare(columns: Iterable[Field]) -> list[SolrField]:
    """The columns' own fields, without companions."""
    return [SolrField(one.name, one.solr_type, one.multivalued) for one in columns if one.name != "id"]


def own_fields(version: str, deleted: str, content_hash: str) -> list[SolrField]:
    """The fields that are ours, by their names in the collection; "" for one that is not used."""
    kinds = ((version, "plong"), (deleted, "boolean"), (content_hash, STRING))
    return [SolrField(name, kind, multivalued=False) for name, kind in kinds if name]


def compare(schema: dict[str, Any], columns: Iterable[Field]) -> Changes:
    """What a collection's schema (the answer of GET /schema) lacks for these columns."""
    return lacks(schema, *wanted(columns))


def lacks(schema: dict[str, Any], fields: list[SolrField], copies: Sequence[CopyField] = ()) -> Changes:
    """What a collection's schema lacks of these."""
    types = {each["name"]: each for each in schema.get("fieldTypes", [])}
    found = {each["name"]: each for each in schema.get("fields", [])}
    copied = {(each["source"], each["dest"]) for each in schema.get("copyFields", [])}
    mismatches = [
        mismatch for field in fields if field.name in found for mismatch in _mismatch(field, found[field.name], types)
    ]
    return Changes(
        tuple(field for field in fields if field.name not in found),
        tuple(copy for copy in copies if (copy.source, copy.dest) not in copied),
        tuple(mismatches),
    )


def suit(schema: dict[str, Any], fields: Iterable[SolrField]) -> Changes:
    """What a collection of somebody else's lacks of these, whose schema is left as it is.

    A dynamic field will do, and so will one of many values where one is wanted.
    """
    found = {field.name: _declared(schema, field.name) for field in fields}
    types = {each["name"]: each for each in schema.get("fieldTypes", [])}
    mismatches = [
        mismatch
        for field in fields
        if (declared := found[field.name]) is not None
        for mismatch in _mismatch(field, declared, types)
        if mismatch.found != _words(field.type, multivalued=True)
    ]
    return Changes(tuple(field for field in fields if found[field.name] is None), (), tuple(mismatches))


def _declared(schema: dict[str, Any], name: str) -> dict[str, Any] | None:
    """The field of that name, or the dynamic field with the longest pattern that fits, as Solr chooses."""
    found: list[dict[str, Any]] = [each for each in schema.get("fields", []) if each["name"] == name]
    fitting = [each for each in schema.get("dynamicFields", []) if _fits(name, each["name"])]
    found += sorted(fitting, key=lambda each: len(each["name"]), reverse=True)
    return found[0] if found else None


def _fits(name: str, pattern: str) -> bool:
    """Solr's patterns have one asterisk, at either end."""
    return name.endswith(pattern[1:]) if pattern.startswith("*") else name.startswith(pattern[:-1])


def _mismatch(wanted: SolrField, found: dict[str, Any], types: dict[str, Any]) -> list[Mismatch]:
    inherited = types.get(found["type"], {}).get("multiValued", False)
    multivalued = bool(found.get("multiValued", inherited))
    if (found["type"], multivalued) == (wanted.type, wanted.multivalued):
        return []
    return [Mismatch(wanted.name, _words(wanted.type, wanted.multivalued), _words(found["type"], multivalued))]


def _words(solr_type: str, multivalued: bool) -> str:
    return f"{solr_type}, multiValued" if multivalued else solr_type
