"""One layer of the catalogue from its number and a seed: its row, and the ids of its keywords and regions.

Layer 17 of seed 7 is the same on every machine and in a catalogue of any size.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from examples.catalogue.dice import Dice
from examples.catalogue.reference import Country, Reference, Subject, reference

_FIRST_DAY = 1_104_537_600  # 2005-01-01
_DAYS = 21 * 365
_MICRODEGREES = 1_000_000
_SHARES = (1, 1, 2, 5, 20, 100)  # a layer covers the whole of its country, or so small a share of each side
_METADATA = (
    '<gmd:MD_Metadata xmlns:gmd="http://www.isotc211.org/2005/gmd"><gmd:fileIdentifier>{uuid}</gmd:fileIdentifier>'
    "<gmd:title>{title}</gmd:title><gmd:hierarchyLevel>dataset</gmd:hierarchyLevel></gmd:MD_Metadata>"
)


@dataclass(frozen=True, slots=True)
class Layer:
    """A row of `catalogue.layer`, and the ids of its keywords (which may repeat) and regions (which do not).

    x0, x1, y0, y1: west, east, south, north in degrees, or whatever an upload left there. Times are texts, for Postgres
    knows 'infinity' and Python does not.
    """

    id: int
    uuid: str
    name: str
    title: str
    abstract: str
    x0: float | None
    x1: float | None
    y0: float | None
    y1: float | None
    category_id: int | None
    owner_id: int
    date: str
    popular_count: int
    last_updated: str
    thumbnail_url: str | None
    metadata_xml: str
    state: str
    keywords: tuple[int, ...]
    regions: tuple[int, ...]


def plain_layer(number: int, seed: int) -> Layer:
    """The layer of that number before anything odd befalls it."""
    known = reference()
    dice = Dice(f"{seed}/{number}")
    # Half of them by language, else few would be in those that only some countries speak.
    countries = dice.one(known.by_language) if dice.rare(2) else known.countries
    country, subject = dice.one(countries), dice.one(known.subjects)
    language = "en" if dice.rare(4) else country.language
    title, abstract = _texts(dice, known, country=country, subject=subject, language=language)
    x0, x1, y0, y1 = _box(dice, country)
    identity = str(uuid.UUID(int=(dice.below(1 << 62) << 64) | dice.below(1 << 62), version=4))
    changed = _time(dice)
    return Layer(
        id=number,
        uuid=identity,
        name=f"{subject.names['en'].lower().replace(' ', '_')}_{country.code.lower()}_{number}",
        title=title,
        abstract=abstract,
        x0=x0,
        x1=x1,
        y0=y0,
        y1=y1,
        category_id=None if dice.rare(12) else subject.category,
        owner_id=1 + dice.below(1 + dice.below(len(known.people))),
        date=changed,
        popular_count=dice.below(1 + dice.below(5000)),
        last_updated=changed,
        thumbnail_url=None if dice.rare(5) else f"https://example.org/thumbs/{identity}.png",
        metadata_xml=_METADATA.format(uuid=identity, title=escape(title)),
        state="READY",
        keywords=_keywords(dice, known, subject.names[language].lower()),
        regions=_regions(dice, country),
    )


def _texts(dice: Dice, known: Reference, *, country: Country, subject: Subject, language: str) -> tuple[str, str]:
    voice, english = known.voices[language], known.voices["en"]
    place = country.local_name if language == country.language else country.name
    words = {"subject": subject.names[language], "place": place, "year": 1990 + dice.below(36)}
    title = dice.one(voice.titles).format(**words)
    about = [voice.about.format(**words), *voice.more[dice.below(len(voice.more)) :]]
    note = (english.more * 2)[(start := dice.below(len(english.more))) : start + dice.below(5)]
    if dice.rare(4):
        return title, " ".join((*about, *note))
    paragraphs = [escape(" ".join(each), quote=False) for each in (about, note) if each]
    link = f'<a href="https://example.org/{country.code}?year={words["year"]}&amp;format=zip">{escape(place)}</a>'
    return title, "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs) + f"<p><strong>↓</strong> {link}</p>"


def _box(dice: Dice, country: Country) -> tuple[float, float, float, float]:
    """A part of the country's box; in microdegrees, whose whole numbers are the same on every machine."""
    west, south = round(country.west * _MICRODEGREES), round(country.south * _MICRODEGREES)
    round_the_globe = 360 * _MICRODEGREES
    whole = round(country.east * _MICRODEGREES) - west
    width = whole if whole >= 0 else whole + round_the_globe
    height = round(country.north * _MICRODEGREES) - south
    share = dice.one(_SHARES)
    x0 = west + dice.below(width - width // share + 1)
    y0 = south + dice.below(height - height // share + 1)
    edges = (x0, x0 + width // share)
    half = 180 * _MICRODEGREES
    x0, x1 = (edge - round_the_globe if edge > half else edge for edge in edges)
    y1 = y0 + height // share
    return x0 / _MICRODEGREES, x1 / _MICRODEGREES, y0 / _MICRODEGREES, y1 / _MICRODEGREES


def _time(dice: Dice) -> str:
    seconds = _FIRST_DAY + dice.below(_DAYS * 86_400)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=dice.below(1_000_000)).isoformat()


def _keywords(dice: Dice, known: Reference, own: str) -> tuple[int, ...]:
    drawn = [1 + dice.below(len(known.keywords)) for _ in range(dice.below(5))]
    keywords = [known.keyword_ids[own], *drawn]
    return tuple(keywords * 2 if dice.rare(50) else keywords)


def _regions(dice: Dice, country: Country) -> tuple[int, ...]:
    drawn = [country.region, *([country.continent] if dice.rare(2) else []), *([1] if dice.rare(20) else [])]
    return tuple(dict.fromkeys(drawn))
