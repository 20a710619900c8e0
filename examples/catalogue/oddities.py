"""What stands in real catalogues and no schema forbids: each of these befalls every 197th layer.

Every one of them is a document that Solr takes, with the view's helpers; without them it is the document that fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from examples.catalogue.layer import Layer
from examples.catalogue.reference import reference

PERIOD = 197
_STEP = 5
_LONG_PERIOD = 499
_NAN, _INFINITY = float("nan"), float("inf")

Change = Callable[[Layer], Layer]


def _box(x0: float | None, x1: float | None, y0: float | None, y1: float | None) -> Change:
    return lambda layer: replace(layer, x0=x0, x1=x1, y0=y0, y1=y1)


def _date(text: str) -> Change:
    return lambda layer: replace(layer, date=text)


def _title(text: str) -> Change:
    return lambda layer: replace(layer, title=text)


def _abstract(text: str) -> Change:
    return lambda layer: replace(layer, abstract=text)


def _regions(*codes: str) -> Change:
    return lambda layer: replace(layer, regions=tuple(reference().region_ids[code] for code in codes))


ODDITIES: dict[str, Change] = {
    "no box": _box(None, None, None, None),
    "half a box": _box(8.5, None, 47.0, None),
    "west and east swapped": _box(10.5, 5.9, 45.8, 47.8),
    "south and north swapped": _box(5.9, 10.5, 47.8, 45.8),
    "a point": _box(2.3522, 2.3522, 48.8566, 48.8566),
    "a line": _box(0.0, 0.0, -90.0, 90.0),
    "web mercator": _box(-8241972.31, -8210384.7, 4938712.66, 4991026.09),
    "a metre grid near its origin": _box(120.5, 340.25, 5_180_000.0, 5_190_000.0),
    "latitude 95": _box(-20.0, 60.0, 60.0, 95.0),
    "NaN": _box(_NAN, _NAN, _NAN, _NAN),
    "infinite": _box(-_INFINITY, _INFINITY, -90.0, 90.0),
    "vast": _box(-1.7976931348623157e308, 1.7976931348623157e308, 0.0, 1.0),
    "longitudes from 0 to 360": _box(0.0, 359.75, -90.0, 90.0),
    "longitude 190": _box(170.0, 190.0, -25.0, -10.0),
    "the whole world": _box(-180.0, 180.0, -90.0, 90.0),
    "over the dateline": _box(177.25, -178.5, -19.25, -16.0),
    "tiny": _box(1e-7, 3e-7, -1e-7, 1e-9),
    "minus zero": _box(-0.0, 0.0, -0.0, 0.0),
    "no fraction of a second": _date("2017-08-14T12:30:45+00:00"),
    "midnight": _date("2010-01-01T00:00:00+00:00"),
    "an old map": _date("1850-06-01T00:00:00+00:00"),
    "for ever": _date("infinity"),
    "since ever": _date("-infinity"),
    "the end of the calendar": _date("9999-12-31T23:59:59.999999+00:00"),
    "no words": lambda layer: replace(layer, title="", abstract=""),
    "emoji": _title("🗺️ Seen from space 🛰️, flags 🇫🇯🇳🇿, family 👨‍👩‍👧"),
    "control characters": _title("Vertical\x0btab, bell\x07, escape\x1b, delete\x7f, next line\x85"),
    "a format of its own": _title('C:\\new\\table "quoted" \\u0041 \\N {"set": "x"} %s $1'),
    "right to left": _title("\u202bخريطة\u202c map \u200f(2020)"),
    "combining accents": _title("Cote\u0301 d\u2019Azur, Zu\u0308rich, \ufb01le"),
    "spaces": _title("  \u00a0 spaces\u3000around\u2028lines \t\n "),
    "broken HTML": _abstract(
        "<p>Unclosed <b>bold <i>and <script>alert('x')</script> a < b && c > d &nbsp; &#8364; &bogus;"
    ),
    "no keywords": lambda layer: replace(layer, keywords=()),
    "many keywords": lambda layer: replace(layer, keywords=tuple(range(1, 81))),
    "no region": _regions(),
    "regions of one name": _regions("BR-AM", "CO-AMA", "PE-AMA", "VE-Z"),
    "no category": lambda layer: replace(layer, category_id=None),
}
_CHANGES = tuple(ODDITIES.values())
_BY_REMAINDER = {1 + _STEP * place: change for place, change in enumerate(_CHANGES)}


def with_oddity(layer: Layer) -> Layer:
    """The layer, altered if it is its turn; every 499th has an abstract longer than any exact string may be in Solr."""
    if layer.id % _LONG_PERIOD == 0:
        return replace(layer, abstract=f"<p>{layer.title}</p>" * (1 + 40_000 // (len(layer.title) + 7)))
    change = _BY_REMAINDER.get(layer.id % PERIOD)
    return change(layer) if change else layer
