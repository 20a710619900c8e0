"""The sample catalogue's rows: the same on every machine, made one at a time, odd where real ones are."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tracemalloc
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from examples.catalogue.dice import Dice
from examples.catalogue.generate import main, rows
from examples.catalogue.layer import Layer, plain_layer
from examples.catalogue.oddities import ODDITIES, PERIOD
from examples.catalogue.reference import reference
from outbox.settings import load
from outbox.sql import queries

ROOT = Path(__file__).parents[2]
# Of the rows as they are now. It changes with whatever alters a row, on purpose or not.
DIGEST = "868827cc2e195a8b24ab2c16a0f3edf5b515bae01bbd111d04ae01569f9235ba"
DIGEST_PROGRAM = """
from examples.catalogue.generate import rows
from examples.catalogue.reference import reference
from hashlib import sha256
print(sha256(repr((reference().keywords, reference().regions, list(rows(600, 7)))).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def layers() -> list[Layer]:
    """As many as hold every oddity, and more than one very long abstract."""
    return list(rows(1200, 7))


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_the_rows_are_the_same_in_every_process(hash_seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": "Asia/Tokyo", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", DIGEST_PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == DIGEST


def test_another_seed_gives_other_rows() -> None:
    assert {layer.uuid for layer in rows(50, 7)}.isdisjoint(layer.uuid for layer in rows(50, 8))


def test_a_layer_is_the_same_in_a_catalogue_of_any_size(layers: list[Layer]) -> None:
    assert repr(list(rows(20, 7))) == repr(layers[:20])


def test_rows_are_made_as_they_are_asked_for() -> None:
    tracemalloc.start()
    first = list(islice(rows(10**12, 7), 3))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [layer.id for layer in first] == [1, 2, 3]
    assert peak < 2_000_000


def test_keys_are_unique_and_links_lead_somewhere(layers: list[Layer]) -> None:
    known = reference()
    assert len({layer.uuid for layer in layers}) == len(layers)
    for layer in layers:
        assert set(layer.keywords) <= set(range(1, len(known.keywords) + 1))
        assert set(layer.regions) <= set(range(1, len(known.regions) + 1))
        assert len(set(layer.regions)) == len(layer.regions), "a layer has a region once"
        assert layer.category_id is None or 1 <= layer.category_id <= len(known.categories)
        assert 1 <= layer.owner_id <= len(known.people)


def test_every_oddity_befalls_some_layer(layers: list[Layer]) -> None:
    odd = {layer.id for layer in layers[:PERIOD] if repr(layer) != repr(plain_layer(layer.id, 7))}
    assert len(odd) == len(ODDITIES)


def test_boxes_are_odd(layers: list[Layer]) -> None:
    boxes = [(layer.x0, layer.x1, layer.y0, layer.y1) for layer in layers]
    whole = [box for box in boxes if None not in box]
    numbers = [[value for value in box if value is not None] for box in boxes]
    assert any(not values for values in numbers)
    assert any(len(values) == 2 for values in numbers)
    assert any(math.isnan(value) for values in numbers for value in values)
    assert any(math.isinf(value) for values in numbers for value in values)
    assert (2.3522, 2.3522, 48.8566, 48.8566) in whole
    assert any(y0 > y1 for _, _, y0, y1 in whole if y0 is not None and y1 is not None)
    assert any(90 < y1 < 100 for *_, y1 in whole if y1 is not None)
    assert any(abs(x0) > 1_000_000 for x0, *_ in whole if x0 is not None)
    assert any(x0 - x1 > 180 for x0, x1, _, _ in whole if x0 is not None and x1 is not None), "over the dateline"


def test_dates_are_odd(layers: list[Layer]) -> None:
    dates = Counter(layer.date for layer in layers)
    assert {"infinity", "-infinity", "1850-06-01T00:00:00+00:00", "2017-08-14T12:30:45+00:00"} <= dates.keys()


def test_texts_are_odd(layers: list[Layer]) -> None:
    titles = "".join(layer.title for layer in layers)
    assert any(layer.title == layer.abstract == "" for layer in layers)
    assert {"\x07", "\x1b", "🛰", "\u202b", "\\", '"'} <= set(titles)
    assert "\0" not in titles, "Postgres stores no NUL"
    assert sum(len(layer.abstract.encode()) > 32_766 for layer in layers) == 2
    assert any("<p>" in layer.abstract for layer in layers)
    assert any("," in name for name in reference().keywords)
    assert any("&amp;" in name for name in reference().keywords)


def test_titles_are_of_many_scripts(layers: list[Layer]) -> None:
    titles = "".join(layer.title for layer in layers)
    for letter in "ñéßдم图の국भ":
        assert letter in titles or letter in "".join(layer.abstract for layer in layers), letter


def test_links_are_odd(layers: list[Layer]) -> None:
    assert any(not layer.keywords for layer in layers)
    assert any(not layer.regions for layer in layers)
    assert any(layer.category_id is None for layer in layers)
    assert any(len(set(layer.keywords)) < len(layer.keywords) for layer in layers)
    assert max(Counter(name for _, name in reference().regions).values()) == 4


def test_countries_are_boxes_on_the_globe() -> None:
    countries = {country.code: country for country in reference().countries}
    assert len(countries) > 190
    for country in countries.values():
        assert -180 <= country.west <= 180, country
        assert -180 <= country.east <= 180, country
        assert -90 <= country.south < country.north <= 90, country
    over = {code for code, country in countries.items() if country.west > country.east}
    assert over == {"FJI", "RUS", "USA", "NZL", "KIR"}


def test_every_language_has_its_words() -> None:
    known = reference()
    languages = {country.language for country in known.countries}
    assert languages <= known.voices.keys()
    assert len(known.categories) == len({subject.category for subject in known.subjects}) == 19
    for subject in known.subjects:
        assert all(subject.names.get(language) for language in languages)


def test_dice_are_fair_and_repeat() -> None:
    dice, again = Dice("a"), Dice("a")
    drawn = [dice.below(10) for _ in range(5000)]
    assert drawn == [again.below(10) for _ in range(5000)]
    assert all(400 < count < 600 for count in Counter(drawn).values())


def test_the_sample_settings_define_the_index_layers() -> None:
    index = load(ROOT / "examples" / "catalogue" / "outbox.toml").named("layers")
    assert (index.view, index.collection) == ("catalogue.layer_document", "layers")


def test_the_sql_files_are_whole() -> None:
    names = {file: set(queries("examples.catalogue", f"{file}.sql")) for file in ("schema", "view", "generate")}
    assert names["schema"] == {"tables", "keys"}
    assert names["view"] == {"layer_document"}


def test_a_wrong_number_of_layers_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--layers", "0"])
    assert "0 is no number of layers" in capsys.readouterr().err
