"""What Postgres prints of our triggers and functions is understood, and nothing else is taken for it."""

from __future__ import annotations

import pytest

from outbox.capture.printed import compared, same_tests, same_values, taken

PRINTED = (
    "CREATE TRIGGER x AFTER UPDATE ON s.t FOR EACH ROW WHEN ((((old.name)::text IS DISTINCT FROM (new.name)::text) OR "
    '(old.tags IS DISTINCT FROM new.tags) OR (((old.place)::text COLLATE "C") IS DISTINCT FROM ((new.place)::text '
    'COLLATE "C")) OR (old."a OR ""b" IS DISTINCT FROM new."a OR ""b") OR ((old.code COLLATE "C") IS DISTINCT FROM '
    '(new.code COLLATE "C")) OR (old.old IS DISTINCT FROM new.old))) EXECUTE FUNCTION outbox.capture_1_ab()'
)
WRITTEN = """-- update_trigger
CREATE TRIGGER "x" AFTER UPDATE ON "s"."t" FOR EACH ROW WHEN (OLD."name" IS DISTINCT FROM NEW."name" OR OLD."tags" IS
DISTINCT FROM NEW."tags" OR OLD."place"::text COLLATE "C" IS DISTINCT FROM NEW."place"::text COLLATE "C" OR
OLD."a OR ""b" IS DISTINCT FROM NEW."a OR ""b" OR OLD."code"::text COLLATE "C" IS DISTINCT FROM
NEW."code"::text COLLATE "C" OR OLD."old" IS DISTINCT FROM NEW."old") EXECUTE FUNCTION "outbox"."capture_1_ab"()"""
NAMES = {"name", "tags", "place", 'a OR "b', "code", "old"}


def when(condition: str) -> str:
    """A trigger with it."""
    return f"CREATE TRIGGER x AFTER UPDATE ON s.t FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION f()"


def test_written_and_printed_mean_the_same() -> None:
    expected = frozenset(
        {("name", False), ("tags", False), ("place", True), ('a OR "b', False), ("code", True), ("old", False)}
    )
    assert compared(PRINTED) == expected
    assert compared(WRITTEN) == expected
    assert same_tests(compared(WRITTEN), compared(PRINTED), NAMES)
    assert compared("CREATE TRIGGER x AFTER TRUNCATE ON s.t FOR EACH STATEMENT EXECUTE FUNCTION f()") == frozenset()


@pytest.mark.parametrize(
    "condition",
    [
        "false",
        "(old.a IS DISTINCT FROM new.a) AND false",
        "(NOT (old.a IS DISTINCT FROM new.a))",
        "(old.a IS NOT DISTINCT FROM new.a)",
        "(old.a <> new.a)",
        "(old.a IS DISTINCT FROM new.b)",
        "(old.a IS DISTINCT FROM old.a)",
        "(lower(old.a) IS DISTINCT FROM lower(new.a))",
        '((old.a COLLATE "de-x-icu") IS DISTINCT FROM (new.a COLLATE "de-x-icu"))',
        "((old.a)::text IS DISTINCT FROM new.a)",
        "(old.a IS DISTINCT FROM new.a) OR (pg_trigger_depth() < 1)",
        "(old.* IS DISTINCT FROM new.*)",
    ],
)
def test_any_other_condition_is_none_of_ours(condition: str) -> None:
    assert compared(when(condition)) is None


def test_a_renamed_column_is_the_same_another_is_not() -> None:
    wanted = compared(
        when('(old.a IS DISTINCT FROM new.a) OR ((old.b COLLATE "C") IS DISTINCT FROM (new.b COLLATE "C"))')
    )
    renamed = compared(
        when('(old.z IS DISTINCT FROM new.z) OR ((old.b COLLATE "C") IS DISTINCT FROM (new.b COLLATE "C"))')
    )
    fewer = compared(when('((old.b COLLATE "C") IS DISTINCT FROM (new.b COLLATE "C"))'))
    otherwise = compared(when("(old.a IS DISTINCT FROM new.a) OR (old.b IS DISTINCT FROM new.b)"))
    assert same_tests(wanted, renamed, {"z", "b"})
    assert not same_tests(wanted, renamed, {"a", "z", "b"})
    assert not same_tests(wanted, fewer, {"a", "b"})
    assert not same_tests(wanted, otherwise, {"a", "b"})
    assert not same_tests(wanted, None, {"a", "b"})


def test_value_functions() -> None:
    printed = 'BEGIN ATOMIC\n SELECT ARRAY[(($1).name)::text, ($1)."a, ""b", (($1).at)::text] AS "array";\nEND'
    written = 'LANGUAGE sql\nBEGIN ATOMIC\n    SELECT ARRAY[$1."name"::text, $1."a, ""b"::text, $1."at"::text];\nEND'
    assert taken(printed) == taken(written) == ["name", 'a, "b', "at"]
    assert taken("BEGIN ATOMIC\n SELECT ARRAY[lower((($1).name)::text)];\nEND") is None
    assert taken("BEGIN ATOMIC\n SELECT NULL::text[];\nEND") is None
    assert same_values(["a", "b"], ["z", "b"], {"z", "b"})
    assert not same_values(["a", "b"], ["b", "a"], {"a", "b"})
    assert not same_values(["a", "b"], ["a"], {"a"})
