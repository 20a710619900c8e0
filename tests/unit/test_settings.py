"""outbox.toml and the environment: what is accepted, what is refused in which words, and that no secret gets out."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from outbox.errors import ConfigError
from outbox.settings import Settings, load, parse_duration

HIDDEN = "hunter2"
DATABASE = f"postgresql://u:{HIDDEN}@db.example/shop"
BROKER = f"amqp://u:{HIDDEN}@mq.example/shop"
SOLR = "http://solr.example:8983/solr"
INDEX = '[index.layers]\nview = "public.v"\n'


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, and an environment without any variable of ours."""
    for variable in ("DATABASE_URL", "BROKER_URL", "SOLR_URL", "SOLR_USER", "SOLR_PASSWORD", "CONFIG"):
        monkeypatch.delenv(f"OUTBOX_{variable}", raising=False)
        monkeypatch.delenv(f"OUTBOX_{variable}_FILE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(place: Path, text: str) -> Settings:
    """The settings of a file with this text."""
    (place / "outbox.toml").write_text(text)
    return load()


def refusal(place: Path, text: str) -> str:
    """What `load` says against a file with this text."""
    with pytest.raises(ConfigError) as caught:
        written(place, text)
    return str(caught.value)


def test_one_line_is_enough_for_an_index(place: Path) -> None:
    index = written(place, INDEX).named("layers")
    assert (index.collection, index.commit_within, index.deletes) == ("layers", timedelta(seconds=1), "tombstone")
    assert (index.fence, index.adopt, index.capture) == (True, False, "origin")


def test_no_file_is_needed_where_the_environment_gives_the_addresses(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTBOX_DATABASE_URL", DATABASE)
    assert load().database_url == DATABASE


def test_the_environment_wins_over_the_file(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOX_SOLR_URL", SOLR)
    settings = written(place, 'solr_url = "http://other/solr"\ndatabase_url = "postgresql://file/db"\n')
    assert (settings.solr_url, settings.database_url) == (SOLR, "postgresql://file/db")


def test_an_empty_variable_is_as_good_as_none(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOX_DATABASE_URL", DATABASE)
    monkeypatch.setenv("OUTBOX_DATABASE_URL_FILE", "")
    assert load().database_url == DATABASE


def test_secrets_are_read_from_files(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, text in (("DATABASE_URL", DATABASE), ("BROKER_URL", BROKER), ("SOLR_PASSWORD", HIDDEN)):
        (place / variable).write_text(text + "\n")
        monkeypatch.setenv(f"OUTBOX_{variable}_FILE", str(place / variable))
    settings = load()
    assert (settings.database_url, settings.broker_url) == (DATABASE, BROKER)
    assert settings.solr_password.get_secret_value() == HIDDEN


def test_no_secret_in_repr_or_str(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, text in (("DATABASE_URL", DATABASE), ("BROKER_URL", BROKER), ("SOLR_PASSWORD", HIDDEN)):
        monkeypatch.setenv(f"OUTBOX_{variable}", text)
    settings = load()
    assert HIDDEN not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[index.layers]\n", "outbox.toml: index.layers.view is missing"),
        ('[index.layers]\nview = "v"\n', 'index.layers.view: name the view with its schema, e.g. "public.v"'),
        ('[index.layers]\nview = "a.b.c"\n', "name the view with its schema"),
        ('[index.layers]\nviw = "public.v"\n', "[index.layers]: unknown key 'viw': did you mean 'view'?"),
        ('[indx.layers]\nview = "public.v"\n', "unknown key 'indx': did you mean 'index'?"),
        ("[relay]\nbatsh = 5\n", "[relay]: unknown key 'batsh': did you mean 'batch'?"),
        (INDEX + "[index.layers.own_fields]\nvresion = 'v'\n", "did you mean 'version'?"),
        ("[relay]\nqqqqq = 5\n", "unknown key 'qqqqq'; known keys: batch, bulk_in_flight"),
        (INDEX + 'deletes = "soft"\n', "index.layers.deletes: Input should be 'tombstone' or 'plain'"),
        (INDEX + 'fence = "perhaps"\n', "index.layers.fence"),
        (INDEX + "settle = 200\n", "index.layers.settle: write a duration as a number and a unit"),
        (INDEX + 'settle = "1 week"\n', 'e.g. "250ms"'),
        (INDEX + 'settle = "999999999999d"\n', "is longer than any machine runs"),
        ("[relay]\nbatch = 0\n", "relay.batch: Input should be greater than or equal to 1"),
        ('[relay]\nretention = "59m"\n', "relay.retention: Input should be greater than or equal to 1 hour"),
        ('[relay]\npoll = "0ms"\n', "relay.poll"),
        ('[relay]\nwork_lease = "0s"\n', "relay.work_lease"),
        ('[index."a b"]\nview = "public.v"\n', "the index name 'a b' must be letters, digits and _"),
        (INDEX + "[index.layers.own_fields]\ndeleted = ''\n", 'set own_fields.deleted, or deletes = "plain"'),
        (INDEX + "[index.layers.own_fields]\nversion = ''\n", "without own_fields.version nothing tells our documents"),
        ("broker_url = 'amqp:/host'\n", "OUTBOX_BROKER_URL (or broker_url in outbox.toml) is no address of the form"),
        ("solr_url = 'http://host:8983'\n", "must end in /solr, e.g. http://host:8983/solr"),
        ("view = [\n", "the settings file outbox.toml is not valid TOML"),
    ],
)
def test_bad_input_gets_one_clear_sentence(place: Path, text: str, said: str) -> None:
    assert said in refusal(place, text)


@pytest.mark.parametrize(
    "line",
    [
        f'database_url = "{DATABASE}"',
        f'broker_url = "{BROKER}"',
        f'solr_url = "http://u:{HIDDEN}@host/solr"',
        f'database_url = "postgresql://host/db?password={HIDDEN}"',
        f'database_url = "host=db password={HIDDEN}"',
    ],
)
def test_the_file_is_no_place_for_a_password(place: Path, line: str) -> None:
    said = refusal(place, line)
    assert "holds a password" in said
    assert HIDDEN not in said


@pytest.mark.parametrize(
    "address",
    [
        HIDDEN,
        f"postgresql://u:p@{HIDDEN}/w@host:5432/db",
        f"postgresql://u:{HIDDEN}@host:port/db",
        f"postgresql://u@host/db?{HIDDEN}=1",
        f"mysql://u:{HIDDEN}@host/db",
    ],
)
def test_a_mistyped_address_is_never_shown(place: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("OUTBOX_DATABASE_URL", address)
    with pytest.raises(ConfigError) as caught:
        load()
    assert "OUTBOX_DATABASE_URL" in str(caught.value)
    chain = repr(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__context__)
    assert HIDDEN not in chain


def test_every_problem_is_listed_at_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, text in (("DATABASE_URL", DATABASE), ("BROKER_URL", BROKER)):
        monkeypatch.setenv(f"OUTBOX_{variable}", text)
        monkeypatch.setenv(f"OUTBOX_{variable}_FILE", "/nowhere")
    said = refusal(place, '[index.a]\nvew = "public.v"\n[relay]\nbatch = "many"\n')
    for part in (
        "index.a.view is missing",
        "'vew'",
        "relay.batch",
        "OUTBOX_DATABASE_URL_FILE",
        "OUTBOX_BROKER_URL_FILE",
    ):
        assert part in said
    assert HIDDEN not in said


def test_every_secret_file_that_cannot_be_read_is_listed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "latin").write_bytes(b"\xff")
    (place / "empty").write_text("\n")
    for variable, file in (("DATABASE_URL", "absent"), ("BROKER_URL", "latin"), ("SOLR_PASSWORD", "empty")):
        monkeypatch.setenv(f"OUTBOX_{variable}_FILE", str(place / file))
    said = refusal(place, "")
    for part in ("absent cannot be read: No such file", "latin cannot be read: it is not UTF-8", "empty is empty"):
        assert part in said


def test_a_named_file_must_exist(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOX_CONFIG", "elsewhere.toml")
    with pytest.raises(ConfigError, match=r"elsewhere\.toml does not exist"):
        load()
    with pytest.raises(ConfigError, match=r"given\.toml does not exist"):
        load(Path("given.toml"))


def test_what_is_asked_for_and_missing_is_named(place: Path) -> None:
    settings = written(place, INDEX)
    with pytest.raises(ConfigError, match=r"OUTBOX_DATABASE_URL is not set.*postgresql://"):
        _ = settings.database_url
    with pytest.raises(ConfigError, match="no index 'people'; it defines: layers"):
        settings.named("people")


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("250ms", 250), ("30s", 30_000), ("1.5s", 1500), (" 5 m ", 300_000), ("1h", 3_600_000), ("7d", 604_800_000)],
)
def test_durations(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == timedelta(milliseconds=milliseconds)
