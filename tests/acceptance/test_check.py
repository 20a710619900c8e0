"""`outbox check` as a user runs it: exit codes, words, JSON, and no secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.acceptance.conftest import Catalogue
from tests.pipeline import until

KEYS = {"code", "severity", "where", "what", "cure"}


def problems(catalogue: Catalogue, *arguments: str) -> list[dict[str, Any]]:
    """What --json says, and nothing else; the exit code tells whether there is any."""
    done = catalogue.pipeline.run("check", "--json", *arguments, expect=None)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    assert done.returncode == (3 if found else 0)
    assert all(set(one) == KEYS and all(one.values()) for one in found)
    return found


def codes(catalogue: Catalogue, *arguments: str) -> list[str]:
    """The codes alone."""
    return [one["code"] for one in problems(catalogue, *arguments)]


def test_nothing_is_wrong_before_apply_then_processes_lack_then_nothing(catalogue: Catalogue) -> None:
    assert codes(catalogue) == []
    assert catalogue.pipeline.run("check").stdout == "index layers:\n  nothing is wrong\n"
    catalogue.pipeline.run("apply")
    assert codes(catalogue) == ["no-consumer", "no-consumer", "no-relay"]
    said = catalogue.pipeline.run("check", "layers", expect=3).stdout.splitlines()
    assert (said[0], said[4:]) == ("servers:", ["index layers:", "  nothing is wrong"])
    assert said[1].endswith("Start `celery -A outbox.worker worker -Q outbox.live`. [no-consumer]")
    catalogue.pipeline.start()
    until(lambda: not codes(catalogue), "check finds nothing wrong")


def test_every_problem_at_once_those_of_servers_that_are_away_too_and_no_secret(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    catalogue.connection.execute(
        "CREATE VIEW catalogue.bad AS SELECT layer.uuid AS id, now() AS at, to_jsonb(layer.title) AS title "
        "FROM catalogue.layer CROSS JOIN catalogue.region"
    )
    config = tmp_path / "two.toml"
    config.write_text('[index.bad]\nview = "catalogue.bad"\n[index.layers]\nview = "catalogue.layer_document"\n')
    catalogue.pipeline.environment |= {
        "OUTBOX_CONFIG": str(config),
        "OUTBOX_SOLR_URL": "http://u:geheim@127.0.0.1:1/solr",
        "OUTBOX_BROKER_URL": "amqp://u:geheim@127.0.0.1:1//",
    }
    servers = {"solr-unavailable", "broker-unavailable"}
    assert set(codes(catalogue)) >= servers | {"volatile-function", "column-type", "no-way"}
    assert set(codes(catalogue, "layers")) == servers
    both = catalogue.pipeline.run("check", expect=3)
    assert "geheim" not in both.stdout + both.stderr
    assert both.stdout.index("servers:") < both.stdout.index("index bad:") < both.stdout.index("index layers:")
    unknown = catalogue.pipeline.run("check", "--json", "nothing", expect=1)
    assert "defines no index 'nothing'; it defines: bad, layers" in unknown.stderr
    assert unknown.stdout == ""
