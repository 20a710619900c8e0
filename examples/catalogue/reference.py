"""The rows that do not depend on the number of layers, read from `data/`; their ids are 1, 2, 3, ... in file order."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

ODD_KEYWORDS = (
    "floods, seasonal",
    "roads &amp; railways",
    "&lt;untitled&gt;",
    "tsunami 🌊",
    "👩🏽‍🔬 field work",
    "C:\\data\\export",
    'the "old" town',
    "line\nbreak",
    "tab\there",
    "bell\x07",
    "null",
    "[1, 2]",
    "{!func}1",
    "*:*",
    " padded ",
    "ÅNGSTRÖM",
    "a" * 100,
)


@dataclass(frozen=True, slots=True)
class Country:
    """Longitudes and latitudes in degrees; west > east over the dateline. `region` and `continent` are region ids."""

    code: str
    name: str
    local_name: str
    language: str
    region: int
    continent: int
    west: float
    east: float
    south: float
    north: float


@dataclass(frozen=True, slots=True)
class Subject:
    """What a layer is about: the category's id, and its name by language."""

    category: int
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class Voice:
    """How a language speaks of a layer: patterns with {subject}, {place}, {year}."""

    titles: tuple[str, ...]
    about: str
    more: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """Everything that layers are made of. Ids are places in these tuples, counted from 1."""

    categories: tuple[tuple[str, ...], ...]
    people: tuple[tuple[str, ...], ...]
    keywords: tuple[str, ...]
    regions: tuple[tuple[str, str], ...]
    countries: tuple[Country, ...]
    by_language: tuple[tuple[Country, ...], ...]
    subjects: tuple[Subject, ...]
    voices: dict[str, Voice]
    keyword_ids: dict[str, int]
    region_ids: dict[str, int]


@cache
def reference() -> Reference:
    """Read the files of `data/`, once."""
    categories = tuple(tuple(row.values()) for row in _rows("categories.csv"))
    regions = tuple((row["code"], row["name"]) for file in ("regions.csv", "countries.csv") for row in _rows(file))
    region_ids = {code: number for number, (code, _) in enumerate(regions, 1)}
    countries = tuple(_country(row, region_ids) for row in _rows("countries.csv"))
    category_ids = {row[0]: number for number, row in enumerate(categories, 1)}
    subjects = tuple(
        Subject(category_ids[row["category"]], {key: text for key, text in row.items() if key != "category"})
        for row in _rows("subjects.csv")
    )
    names = (name.lower() for subject in subjects for name in subject.names.values())
    keywords = tuple(dict.fromkeys((*names, *ODD_KEYWORDS)))
    return Reference(
        categories=categories,
        people=tuple(tuple(row.values()) for row in _rows("people.csv")),
        keywords=keywords,
        regions=regions,
        countries=countries,
        by_language=_by_language(countries),
        subjects=subjects,
        voices=_voices(),
        keyword_ids={name: number for number, name in enumerate(keywords, 1)},
        region_ids=region_ids,
    )


def _country(row: dict[str, str], region_ids: dict[str, int]) -> Country:
    return Country(
        code=row["code"],
        name=row["name"],
        local_name=row["local_name"],
        language=row["language"],
        region=region_ids[row["code"]],
        continent=region_ids[row["continent"]],
        west=float(row["west"]),
        east=float(row["east"]),
        south=float(row["south"]),
        north=float(row["north"]),
    )


def _by_language(countries: tuple[Country, ...]) -> tuple[tuple[Country, ...], ...]:
    spoken: dict[str, list[Country]] = {}
    for country in countries:
        spoken.setdefault(country.language, []).append(country)
    return tuple(map(tuple, spoken.values()))


def _voices() -> dict[str, Voice]:
    said: dict[str, dict[str, list[str]]] = {}
    for row in _rows("sentences.csv"):
        said.setdefault(row["language"], {}).setdefault(row["kind"], []).append(row["text"])
    return {
        language: Voice(tuple(kinds["title"]), kinds["about"][0], tuple(kinds["more"]))
        for language, kinds in said.items()
    }


def _rows(file: str) -> Iterator[dict[str, str]]:
    text = resources.files("examples.catalogue").joinpath("data", file).read_text("utf-8")
    yield from csv.DictReader(text.splitlines())
