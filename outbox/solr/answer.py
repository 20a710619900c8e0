"""What each answer of Solr means. Pure: status, headers and body in, a verdict out.

Seen with Solr 9.10.1: a missing collection is a 404 with an HTML body, an unknown update chain and an unknown field are
400 like a bad document, and a 200 may carry errors of single documents (with a tolerant chain).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

import orjson


class Meaning(Enum):
    """Whose fault an answer is, and so what follows from it."""

    DONE = "done"
    DOCUMENT = "document"  # one of the documents: split, until the guilty one stands alone
    TOO_LARGE = "too large"  # the request: split; alone, the document
    STALE = "stale"  # one of the documents is there in a newer version: split; alone, done
    INDEX = "index"  # schema or configuration: nothing is dead, the index waits for a cure
    SUSPECT = "suspect"  # the server broke, perhaps of a document
    SERVICE = "service"  # the server, or the way to it


@dataclass(frozen=True, slots=True)
class Verdict:
    """The meaning of an answer, Solr's own words, and how long it asked to be left alone."""

    meaning: Meaning
    words: str
    retry_after: timedelta = timedelta(0)


# A 400 that says one of these is no document's fault: the schema lacks a field that the plan has, or the chain is gone.
# The whole message is matched: others repeat a document's values, and a value may say anything.
_INDEX_WORDS = re.compile(
    r"(ERROR: )?(\[doc=.*?\] )?(unknown field '[^']*'|undefined field:? \S*|unknown UpdateRequestProcessorChain: \S*)",
    re.IGNORECASE,
)
_TAGS = re.compile(r"<[^>]*>|[\s\x00-\x1f\x7f]+")
_NUL = "\x00"  # Postgres takes it in no text


def judge(status: int, body: bytes, retry_after: str | None = None) -> Verdict:
    """What an answer to POST /update means. `retry_after` is the header's text, of which seconds are understood."""
    parsed = _json(body)
    words = _words(status, body, parsed)
    if status == 200:
        errors = _header(parsed).get("errors")
        if errors:
            return Verdict(Meaning.DOCUMENT, _first_error(errors))
        return Verdict(Meaning.DONE, "") if parsed is not None else Verdict(Meaning.SERVICE, words)
    if status == 400:
        of_the_index = _INDEX_WORDS.fullmatch(_message(parsed).strip())
        return Verdict(Meaning.INDEX if of_the_index else Meaning.DOCUMENT, words)
    if status == 409:
        return Verdict(Meaning.STALE, words)
    if status in (413, 414):
        return Verdict(Meaning.TOO_LARGE, words)
    if status == 415:
        return Verdict(Meaning.INDEX, words)
    if status == 500:
        return Verdict(Meaning.SUSPECT, words)
    return Verdict(Meaning.SERVICE, words, _seconds(retry_after))


def _json(body: bytes) -> dict[str, Any] | None:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _header(parsed: dict[str, Any] | None) -> dict[str, Any]:
    header = (parsed or {}).get("responseHeader")
    return header if isinstance(header, dict) else {}


def _first_error(errors: Any) -> str:
    first = errors[0] if isinstance(errors, list) else errors
    return str(first.get("message", first) if isinstance(first, dict) else first).replace(_NUL, "")


def _message(parsed: dict[str, Any] | None) -> str:
    error = (parsed or {}).get("error")
    return str(error.get("msg") or "").replace(_NUL, "") if isinstance(error, dict) else ""


def _words(status: int, body: bytes, parsed: dict[str, Any] | None) -> str:
    if message := _message(parsed):
        return f"Solr answered {status}: {message}"
    text = " ".join(_TAGS.sub(" ", body[:2000].decode("utf-8", "replace")).split())
    return f"Solr answered {status}: {text[:300] or 'nothing'}"


def _seconds(retry_after: str | None) -> timedelta:
    return timedelta(seconds=int(retry_after)) if retry_after and retry_after.isdigit() else timedelta(0)
