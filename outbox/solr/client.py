"""The client: one `requests.Session`, made after a fork, no retries of its own, time-outs on every call.

Documents are posted as bytes. Nothing is concatenated into a query: keys travel as parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import orjson
import requests
from requests.adapters import HTTPAdapter

from outbox.errors import IndexRefused, SolrUnavailable
from outbox.solr.answer import Meaning, Verdict, judge

CONNECT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 25.0  # under the claim's deadline of 30 s
_ADMIN_TIMEOUT_S = 120.0  # creating a collection is slow on a busy machine

Params = Mapping[str, str | int | bool | list[str]]


@dataclass(frozen=True, slots=True)
class Address:
    """Where Solr is and as whom we call it. `url` ends in /solr; user and password in it are used, and never shown."""

    url: str
    user: str = ""
    password: str = ""

    @property
    def shown(self) -> str:
        """The URL without user and password."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")

    @property
    def credentials(self) -> tuple[str, str] | None:
        """User and password, or None to call as nobody."""
        if self.user:
            return self.user, self.password
        parts = urlsplit(self.url)
        return (unquote(parts.username), unquote(parts.password or "")) if parts.username else None

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"  # never the password


class Solr:
    """One Solr server (or any node of a SolrCloud). Not to be shared between processes."""

    def __init__(self, address: Address) -> None:
        self.url = address.shown
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy, no .netrc; and half a millisecond less for each call
        self._session.mount("http", HTTPAdapter(max_retries=0))
        self._session.auth = address.credentials
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # none: a request is prepared once
        self._requests: dict[tuple[str, int], requests.PreparedRequest] = {}

    def update(
        self, collection: str, body: bytes, *, commit_within_ms: int, timeout_s: float = READ_TIMEOUT_S
    ) -> Verdict:
        """POST a JSON array of documents; every answer, and no answer, is a verdict and none an exception."""
        try:
            request = self._request(collection, commit_within_ms)
            request.prepare_body(body, None)
            answer = self._session.send(
                request,
                timeout=(min(CONNECT_TIMEOUT_S, timeout_s), min(READ_TIMEOUT_S, timeout_s)),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            return Verdict(Meaning.SERVICE, f"POST {self.url}/{collection}/update: {_reason(error)}")
        return judge(answer.status_code, answer.content, answer.headers.get("Retry-After"))

    def _request(self, collection: str, commit_within_ms: int) -> requests.PreparedRequest:
        """An update without its body: all else is the same each time, and takes half a millisecond to prepare."""
        known = self._requests.get((collection, commit_within_ms))
        if known is None:
            known = self._session.prepare_request(
                requests.Request(
                    "POST",
                    f"{self.url}/{collection}/update",
                    headers={"Content-Type": "application/json"},
                    params={"commitWithin": commit_within_ms, "wt": "json"},
                )
            )
            self._requests[(collection, commit_within_ms)] = known
        return known.copy()

    def commit(self, collection: str, *, soft: bool = True) -> None:
        """Commit now: soft makes documents searchable, hard makes them durable as well."""
        kind: Params = {"softCommit": True} if soft else {"commit": True}
        self.call("POST", f"/{collection}/update", {**kind, "wt": "json"}, body=b"[]")

    def get(self, collection: str, keys: Iterable[str], *, fields: str = "*") -> dict[str, dict[str, Any]]:
        """The documents of these ids by real-time get, which sees uncommitted ones and tombstones; absent ids lack."""
        ids = list(keys)
        answer = self.call("POST", f"/{collection}/get", {"wt": "json"}, form={"id": ids, "fl": fields})
        found = answer["response"]["docs"] if "response" in answer else [answer.get("doc")]
        return {document["id"]: document for document in found if document}

    def select(self, collection: str, params: Params, *, handler: str = "/select") -> dict[str, Any]:
        """Search. The parameters go in the body, so that they may be long."""
        return self.call("POST", f"/{collection}{handler}", {"wt": "json"}, form=params)

    def admin(self, path: str, params: Params, *, body: bytes | None = None) -> dict[str, Any]:
        """A call of an admin API, e.g. /admin/collections."""
        return self.call("POST", path, {"wt": "json", **params}, body=body, timeout_s=_ADMIN_TIMEOUT_S)

    def call(
        self,
        method: str,
        path: str,
        params: Params,
        *,
        body: bytes | None = None,
        form: Params | None = None,
        timeout_s: float = READ_TIMEOUT_S,
    ) -> dict[str, Any]:
        """One call and its JSON. SolrUnavailable where trying again can help, else IndexRefused with Solr's words."""
        where = f"{method} {self.url}{path}"
        headers = {} if body is None else {"Content-Type": _content_type(body)}
        try:
            answer = self._session.request(
                method,
                self.url + path,
                params=cast(Any, {key: _text(value) for key, value in params.items()}),
                data=cast(Any, body if form is None else {key: _text(value) for key, value in form.items()}),
                headers=headers,
                timeout=(CONNECT_TIMEOUT_S, timeout_s),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise SolrUnavailable(
                f"{where}: {_reason(error)}; is Solr running, and is OUTBOX_SOLR_URL right?"
            ) from error
        return self._result(answer, where)

    def _result(self, answer: requests.Response, where: str) -> dict[str, Any]:
        verdict = judge(answer.status_code, answer.content, answer.headers.get("Retry-After"))
        if verdict.meaning in (Meaning.SERVICE, Meaning.SUSPECT):
            raise SolrUnavailable(f"{where}: {verdict.words}")
        if verdict.meaning is not Meaning.DONE:
            raise IndexRefused(f"{where}: {verdict.words}")
        return cast(dict[str, Any], orjson.loads(answer.content))


def _content_type(body: bytes) -> str:
    return "application/octet-stream" if body[:2] == b"PK" else "application/json"


def _text(value: str | int | bool | list[str]) -> str | list[str]:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, list) else str(value)


def _reason(error: requests.RequestException) -> str:
    """The innermost cause, e.g. "[Errno 111] Connection refused": requests wraps it three times."""
    cause: BaseException = error
    seen = {id(cause)}
    while (inner := _inner(cause)) is not None and id(inner) not in seen:
        cause = inner
        seen.add(id(cause))
    return str(cause) or type(cause).__name__


def _inner(error: BaseException) -> BaseException | None:
    candidates = (getattr(error, "reason", None), *error.args, error.__cause__, error.__context__)
    return next((each for each in candidates if isinstance(each, BaseException)), None)
