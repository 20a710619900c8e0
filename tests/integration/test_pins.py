"""Our connections are the same whatever the defaults of server, database and role."""

from __future__ import annotations

from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from outbox.connection import connect

# Each setting, a default that would alter documents, endanger them or slow them down, and what it has to be.
PINNED = {
    "default_transaction_isolation": ("serializable", "read committed"),
    "synchronous_commit": ("off", "on"),
    "timezone": ("Asia/Kolkata", "UTC"),
    "datestyle": ("German, DMY", "ISO, YMD"),
    "intervalstyle": ("iso_8601", "postgres"),
    "bytea_output": ("escape", "hex"),
    "extra_float_digits": ("-3", "1"),
    "search_path": ("public", "pg_catalog, pg_temp"),
    "plan_cache_mode": ("force_generic_plan", "force_custom_plan"),
    "seq_page_cost": ("0.1", "1"),
    "random_page_cost": ("4", "1.1"),
}
TEXTS = """SELECT '2024-05-06 23:00+00'::timestamptz::text, '2024-05-06 23:00+00'::timestamptz::date::text,
    '26 hours'::interval::text, (0.1::float8 + 0.2)::text, convert_to('é', 'UTF8')::text"""


@pytest.fixture
def hostile_url(outbox_url: str) -> str:
    """A database whose defaults are otherwise, each."""
    name = urlsplit(outbox_url).path[1:]
    with psycopg.connect(outbox_url, autocommit=True) as owner:
        for setting, (other, _) in PINNED.items():
            parts = [sql.Identifier(part) for part in (name, setting)]
            owner.execute(sql.SQL("ALTER DATABASE {} SET {} = {}").format(*parts, other))
    return outbox_url


@pytest.mark.parametrize("setting", PINNED)
def test_a_setting_is_pinned(hostile_url: str, setting: str) -> None:
    other, pinned = PINNED[setting]
    show = sql.SQL("SELECT current_setting({})").format(setting)
    with psycopg.connect(hostile_url) as plain, connect(hostile_url, application="test") as ours:
        assert plain.execute(show).fetchone() == (other,)
        assert ours.execute(show).fetchone() == (pinned,)


def test_a_row_has_one_text(hostile_url: str, outbox_url: str) -> None:
    """Else it had two hashes."""
    with connect(hostile_url, application="test") as ours:
        assert ours.execute(TEXTS).fetchone() == (
            "2024-05-06 23:00:00+00",
            "2024-05-06",
            "26:00:00",
            "0.30000000000000004",
            "\\xc3a9",
        )
