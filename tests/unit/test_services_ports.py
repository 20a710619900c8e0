"""Ports are remembered while they are free, and never given twice."""

from __future__ import annotations

import socket
from itertools import count

import pytest

from services import ports
from services.errors import StackError


def _all(port: int) -> bool:
    return True


def test_each_service_gets_a_port_of_its_own_and_solr_one_more_for_zookeeper() -> None:
    chosen = ports.choose({}, free=_all, drawn=iter([20_000, 20_000, 20_001, 20_001, *range(20_002, 20_100)]).__next__)
    taken = [port for name, first in chosen.items() for port in ports.needed(name, first)]

    assert set(chosen) == set(ports.NAMES)
    assert len(set(taken)) == len(taken) == len(ports.NAMES) + 1


def test_remembered_ports_stay_while_they_are_free() -> None:
    remembered = ports.choose({}, free=_all)

    assert ports.choose(remembered, free=_all) == remembered


def test_a_remembered_port_that_somebody_took_is_replaced_and_only_that() -> None:
    remembered = ports.choose({}, free=_all)
    chosen = ports.choose(remembered, free=lambda port: port != remembered["amqp"])

    assert {name for name in ports.NAMES if chosen[name] != remembered[name]} == {"amqp"}


def test_a_running_service_keeps_its_port_which_of_course_is_taken() -> None:
    remembered = ports.choose({}, free=_all)

    assert ports.choose(remembered, running=remembered, free=lambda port: False) == remembered


def test_solr_goes_elsewhere_when_zookeepers_port_is_taken() -> None:
    taken = 20_500 + ports.ZOOKEEPER_OFFSET
    chosen = ports.choose({"solr": 20_500}, free=lambda port: port != taken)

    assert chosen["solr"] != 20_500


def test_no_port_at_all_is_said() -> None:
    with pytest.raises(StackError, match=r"no free port for postgres between 20000 and 31000 on 127\.0\.0\.1"):
        ports.choose({}, free=lambda port: False, drawn=count(20_000).__next__)


def test_drawn_ports_lie_below_those_of_outgoing_connections() -> None:
    assert all(20_000 <= ports.draw() < 31_000 for _ in range(1000))


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
def test_a_listener_on_loopback_or_everywhere_takes_the_port(host: str) -> None:
    with socket.socket() as listener:
        listener.bind((host, 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert not ports.is_free(port)
    assert ports.is_free(port)


def test_a_port_that_a_server_has_just_left_counts_as_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = server.accept()
            accepted.close()  # the server's end closes first, and waits in TIME_WAIT
    assert ports.is_free(port)
