"""Addresses: which are taken, and where a password may hide."""

from __future__ import annotations

import pytest

from outbox.addresses import Service, holds_password, wrong_with


@pytest.mark.parametrize(
    ("service", "address"),
    [
        (Service.DATABASE, "postgresql://user:p%40ss@host:5432/db?sslmode=require"),
        (Service.DATABASE, "postgresql:///db?host=/run/postgresql"),
        (Service.DATABASE, "postgresql://one:5432,two:5433/db"),
        (Service.DATABASE, "host=db.example dbname=shop"),
        (Service.BROKER, "amqp://guest:guest@127.0.0.1:5672//"),
        (Service.BROKER, "amqps://mq.example/shop"),
        (Service.BROKER, "redis://:secret@127.0.0.1:6379/0"),
        (Service.SOLR, "http://127.0.0.1:8983/solr"),
        (Service.SOLR, "https://solr.example/search/solr/"),
    ],
)
def test_a_good_address(service: Service, address: str) -> None:
    assert wrong_with(service, address) == ""


@pytest.mark.parametrize(
    ("service", "address"),
    [
        (Service.DATABASE, "db.example"),
        (Service.DATABASE, "mysql://host/db"),
        (Service.DATABASE, "postgresql://u:a@b@host/db"),
        (Service.DATABASE, "postgresql://host/db?nonsense=1"),
        (Service.BROKER, "sqs://host"),
        (Service.BROKER, "host:5672"),
        (Service.BROKER, "amqp://host:port/"),
        (Service.SOLR, "http://solr.example:8983/"),
        (Service.SOLR, "http:///solr"),
        (Service.SOLR, "http://[::1/solr"),
    ],
)
def test_a_bad_address_is_not_repeated(service: Service, address: str) -> None:
    said = wrong_with(service, address)
    assert service.value[1] in said
    assert address not in said


@pytest.mark.parametrize(
    ("address", "holds"),
    [
        ("postgresql://user@host/db", False),
        ("postgresql://user:x@host/db", True),
        ("postgresql://host/db?sslmode=require&password=x", True),
        ("host=db password = x", True),
        ("host=db dbname=passwords", False),
        ("amqp://host:5672/", False),
        ("http://host:8983/solr", False),
    ],
)
def test_where_a_password_stands(address: str, holds: bool) -> None:
    assert holds_password(address) is holds
