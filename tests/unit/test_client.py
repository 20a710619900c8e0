"""Solr's address: credentials are used and never shown."""

from __future__ import annotations

import pytest

from outbox.solr.client import Address, Solr

WORD = "s3cret/word"


@pytest.mark.parametrize(
    "address",
    [Address("http://host:8983/solr", "anna", WORD), Address("http://anna:s3cret%2Fword@host:8983/solr/")],
)
def test_the_password_is_used_and_not_shown(address: Address) -> None:
    solr = Solr(address)
    assert address.credentials == ("anna", WORD)
    assert (solr.url, repr(address)) == ("http://host:8983/solr", "Address('http://host:8983/solr')")


def test_an_address_may_have_no_user() -> None:
    assert Address("http://host:8983/solr").credentials is None
