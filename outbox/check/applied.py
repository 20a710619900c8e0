"""Whether an applied index still is as it was applied: view, settings, triggers, rights. All of it `apply` mends."""

from __future__ import annotations

from collections.abc import Iterator

from outbox import rights, watch
from outbox.apply import renumbered
from outbox.capture import catalogue
from outbox.capture.install import Difference, Kind, installed
from outbox.capture.plan import fingerprint
from outbox.connection import Connection
from outbox.index import Definition
from outbox.problems import Code, Problem, Severity
from outbox.settings import IndexSettings
from outbox.sql import queries
from outbox.store.indexes import Applied

_SQL = queries("outbox.check", "check.sql")
_APPLY = "Run `outbox apply`."
_REPLAYS = "Run `outbox apply`, which enqueues all documents."


def problems(
    connection: Connection, settings: IndexSettings, applied: Applied, now: Definition | None
) -> list[Problem]:
    """What `apply` would mend; `now` is the definition that settings and view give, None where they are refused."""
    if applied.detached_at is not None:
        what = f"the index is detached since {applied.detached_at:%Y-%m-%d %H:%M} UTC: no change is captured."
        return [_warning(Code.DETACHED, settings.view, what, _REPLAYS)]
    if applied.unreadable:
        what = "another version of solr-outbox applied it."
        return [_warning(Code.SETTINGS_CHANGED, settings.view, what, _REPLAYS)]
    if applied.definition is None:
        return []
    stale = [
        *_view(connection, applied.definition),
        *_silent(connection, applied.definition, applied),
        *(_trigger(one) for one in installed(connection, applied.id, applied.definition)),
    ]
    if now is not None and not any(one.code is Code.VIEW_CHANGED for one in stale):
        stale += _settings(settings, applied.definition, renumbered(now, applied), alone=not stale)
    return [*stale, *_rights(connection, applied.definition)]


def _view(connection: Connection, applied: Definition) -> Iterator[Problem]:
    row = connection.execute(_SQL["view"], {"view": applied.view}).fetchone()
    if row is None or row[0] is None:
        return  # the analysis says so
    if fingerprint(catalogue.views_of(connection, row[0]).values()) != applied.fingerprint:
        what = "the view, or one beneath it, was altered since it was applied: what is captured no longer fits it."
        yield _warning(Code.VIEW_CHANGED, _plain(applied.view), what, _REPLAYS)


def _silent(connection: Connection, definition: Definition, applied: Applied) -> Iterator[Problem]:
    for words in watch.silent_changes(connection, definition, applied.baseline):
        what = f"{words} changed, and with it what the view shows, without any trigger."
        yield _warning(Code.VIEW_CHANGED, _plain(definition.view), what, _REPLAYS)


def _trigger(difference: Difference) -> Problem:
    """By what `install` would do about it."""
    code = _CODES.get(difference.kind, Code.TRIGGER_CHANGED)
    what = f"{_WORDS[code]}; `outbox apply` would {difference.what} {difference.name}."
    return _warning(code, _plain(difference.relation) or "outbox", what, _APPLY)


_CODES = {Kind.MISSING: Code.TRIGGER_MISSING, Kind.DISABLED: Code.TRIGGER_DISABLED}
_WORDS = {
    Code.TRIGGER_MISSING: "what captures changes is missing: they are lost, or fail",
    Code.TRIGGER_DISABLED: "a trigger is disabled, or enabled otherwise than it was applied: changes are lost",
    Code.TRIGGER_CHANGED: "what captures changes is not what was applied",
}


def _settings(settings: IndexSettings, applied: Definition, now: Definition, *, alone: bool) -> Iterator[Problem]:
    changed = changed_settings(applied, now)
    if changed:
        what = f"the settings are not those that are applied: {', '.join(changed)}."
        yield _warning(Code.SETTINGS_CHANGED, settings.view, what, _APPLY)
    elif alone and now != applied:
        what = "`apply` would write another definition than is applied: tables or this program changed since then."
        yield _warning(Code.SETTINGS_CHANGED, settings.view, what, _APPLY)


def changed_settings(applied: Definition, now: Definition) -> list[str]:
    """The keys of [index.NAME] by which two definitions differ. Pure."""
    before, after = _by_key(applied), _by_key(now)
    return [key for key in before if before[key] != after[key]]


def _by_key(definition: Definition) -> dict[str, object]:
    target = definition.target
    return {
        "view": definition.view,
        "capture": definition.capture,
        "commit_within": target.commit_within_ms,
        "settle": target.settle_ms,
        "deletes": target.deletes,
        "fence": target.fence,
        "scope": target.scope,
        "own_fields": target.own_fields,
        "fields": {field.name: field.solr_type for field in definition.fields},
        "ways": (
            {(way.table, way.expand) for way in definition.ways if way.declared},
            {table.relation for table in definition.tables if table.everything},
        ),
    }


def _rights(connection: Connection, definition: Definition) -> Iterator[Problem]:
    if lacking := rights.missing(connection, definition):
        what = "the role of relay and workers may not read all that they read."
        yield _warning(Code.RIGHTS, _plain(definition.view), what, f"Run `outbox apply`, or: {'; '.join(lacking)}.")


def _plain(relation: str) -> str:
    """As the analysis names tables and views."""
    return relation.replace('"', "")


def _warning(code: Code, where: str, what: str, cure: str) -> Problem:
    return Problem(code, Severity.WARNING, where, what, cure)
