"""What each answer of Solr means; the messages are those of Solr 9.10.1."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest

from outbox.solr.answer import Meaning, judge


def refused(message: str) -> bytes:
    """The body of an error with this message."""
    return orjson.dumps({"responseHeader": {"status": 400}, "error": {"msg": message, "code": 400}})


OK = b'{"responseHeader":{"rf":1,"status":0,"QTime":3}}'
TOLERATED = orjson.dumps({"responseHeader": {"status": 0, "errors": [{"type": "ADD", "id": "7", "message": "bad 7"}]}})
HTML = b"<html><head><title>Error 404 Not Found</title></head>\n<body><h2>HTTP ERROR 404</h2></body></html>"


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (200, OK, Meaning.DONE),
        (200, b'{"responseHeader":{"status":0},"adds":["a",0]}', Meaning.DONE),
        (200, TOLERATED, Meaning.DOCUMENT),
        (200, b'{"responseHeader":{"sta', Meaning.SERVICE),
        (200, b"", Meaning.SERVICE),
        (200, b"<html>a login page</html>", Meaning.SERVICE),
        (200, b"[]", Meaning.SERVICE),
        (302, b"", Meaning.SERVICE),
        (400, refused("ERROR: [doc=7] Error adding field 'n'='x' msg=For input string: \"x\""), Meaning.DOCUMENT),
        (400, refused("Exception writing document id 7 to the index; possible analysis error"), Meaning.DOCUMENT),
        (400, refused("Unable to parse shape given formats"), Meaning.DOCUMENT),
        (400, b"not even JSON", Meaning.DOCUMENT),
        (400, refused("ERROR: [doc=7] unknown field 'titel'"), Meaning.INDEX),
        (400, refused("unknown UpdateRequestProcessorChain: outbox"), Meaning.INDEX),
        (400, refused('undefined field: "src_version"'), Meaning.INDEX),
        (400, refused("ERROR: [doc=7] Error adding field 'n'='unknown field 'x'' msg=For input"), Meaning.DOCUMENT),
        (400, refused("ERROR: [doc=an unknown field 'x'] Error adding field 'n'='1x'"), Meaning.DOCUMENT),
        (401, HTML, Meaning.SERVICE),
        (403, HTML, Meaning.SERVICE),
        (404, HTML, Meaning.SERVICE),
        (409, refused("version conflict for 7 expected=-1 actual=17"), Meaning.STALE),
        (413, b"", Meaning.TOO_LARGE),
        (414, b"", Meaning.TOO_LARGE),
        (415, refused("Unsupported Content-Type: text/plain"), Meaning.INDEX),
        (429, b"", Meaning.SERVICE),
        (500, refused("this IndexWriter is closed"), Meaning.SUSPECT),
        (503, refused("SolrCore is loading"), Meaning.SERVICE),
        (504, b"", Meaning.SERVICE),
        (510, b"", Meaning.SERVICE),
    ],
)
def test_what_an_answer_means(status: int, body: bytes, meaning: Meaning) -> None:
    assert judge(status, body).meaning is meaning


def test_solrs_own_words_are_kept() -> None:
    assert judge(400, refused("no, not this")).words == "Solr answered 400: no, not this"
    assert judge(200, TOLERATED).words == "bad 7"
    assert judge(200, OK).words == ""


def test_html_is_said_without_its_tags_and_not_at_length() -> None:
    assert judge(404, HTML).words == "Solr answered 404: Error 404 Not Found HTTP ERROR 404"
    assert len(judge(404, b"x" * 100_000).words) < 400
    assert judge(503, b"").words == "Solr answered 503: nothing"


def test_no_nul_gets_into_the_words_for_postgres_takes_none() -> None:
    for status, body in (
        (400, refused("a\0b")),
        (502, b"\0\0binary\0"),
        (200, TOLERATED.replace(b"bad 7", b"\\u0000")),
    ):
        assert "\0" not in judge(status, body).words


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), (None, 0), ("", 0), ("Fri, 31 Dec 1999", 0), ("-1", 0)])
def test_how_long_to_leave_it_alone(header: str | None, seconds: int) -> None:
    assert judge(429, b"", header).retry_after == timedelta(seconds=seconds)
