"""TCP proxies on loopback that make a network misbehave: delay, hold, drop, reset, refuse.

One thread with one event loop carries all of them. What a trouble means:

- delay: each piece arrives so much later;
- hold: nothing arrives while it lasts, then all of it does, also what a process sent that has died meanwhile;
- drop: what is sent is lost, without a sign; connections that lost something are reset at its end, as keep-alive would;
- reset: what is connected is reset, once;
- refuse: the same, and new connections are reset as well while it lasts.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

_CHUNK = 65_536
_ANSWER_S = 30.0
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close sends RST


class Kind(StrEnum):
    """What is done to a connection."""

    DELAY = "delay"
    HOLD = "hold"
    DROP = "drop"
    RESET = "reset"
    REFUSE = "refuse"


class Direction(StrEnum):
    """Of the bytes that suffer: to the server, back from it, or both."""

    THERE = "there"
    BACK = "back"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One kind of misbehaviour; `delay_s` is read for DELAY alone, `direction` not for RESET and REFUSE."""

    kind: Kind
    direction: Direction = Direction.BOTH
    delay_s: float = 0.0

    def on(self, kind: Kind, way: Direction) -> bool:
        """Whether bytes of this way suffer that."""
        return self.kind is kind and self.direction in (way, Direction.BOTH)


@dataclass(eq=False, slots=True)
class _Pair:
    """A client's connection and the one to the server that stands for it."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    lost: bool = False

    def reset(self) -> None:
        for writer in (self.client, self.server):
            _reset(writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    raw: socket.socket | None = writer.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0 and not writer.transport.is_closing():
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


@dataclass(eq=False, slots=True)
class Proxy:
    """One way to one server. Its methods are called from any thread but the network's own.

    `held`: how many pieces wait right now for the end of a HOLD.
    """

    network: Network
    server: tuple[str, int]
    port: int = 0
    connections: int = 0
    held: int = 0
    _pairs: set[_Pair] = field(default_factory=set)
    _trouble: Trouble | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @contextmanager
    def suffering(self, trouble: Trouble) -> Iterator[None]:
        """The trouble lasts as long as the block; one at a time."""
        self.network.call(lambda: self._begin(trouble))
        try:
            yield
        finally:
            self.network.call(self._end)

    def _begin(self, trouble: Trouble) -> None:
        self._trouble = trouble
        if trouble.kind in (Kind.RESET, Kind.REFUSE):
            for pair in list(self._pairs):
                pair.reset()

    def _end(self) -> None:
        self._trouble = None
        self._changed.set()
        self._changed = asyncio.Event()
        for pair in [pair for pair in self._pairs if pair.lost]:
            pair.reset()

    async def carry(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        """One connection, from its first byte to its end."""
        self.connections += 1
        if self._trouble is not None and self._trouble.kind is Kind.REFUSE:
            _reset(client)
            return
        try:
            answers, server = await asyncio.open_connection(*self.server)
        except OSError:  # the server is down: the client shall see as much
            _reset(client)
            return
        pair = _Pair(client, server)
        self._pairs.add(pair)
        try:
            await asyncio.gather(
                self._pump(pair, reader, server, Direction.THERE), self._pump(pair, answers, client, Direction.BACK)
            )
        finally:
            self._pairs.discard(pair)
            for writer in (client, server):
                writer.transport.close()

    async def _pump(
        self, pair: _Pair, source: asyncio.StreamReader, sink: asyncio.StreamWriter, way: Direction
    ) -> None:
        try:
            while chunk := await source.read(_CHUNK):
                await self._passage(way)
                if self._drops(way):
                    pair.lost = True
                    continue
                sink.write(chunk)
                await sink.drain()
            await self._passage(way)
            if self._drops(way):
                pair.lost = True
            elif not sink.transport.is_closing():
                sink.write_eof()
        except OSError:  # one side broke off: so does the other
            pair.reset()

    async def _passage(self, way: Direction) -> None:
        """Return when a piece may go on."""
        if self._trouble is not None and self._trouble.on(Kind.DELAY, way):
            await asyncio.sleep(self._trouble.delay_s)
        while self._trouble is not None and self._trouble.on(Kind.HOLD, way):
            self.held += 1
            await self._changed.wait()
            self.held -= 1

    def _drops(self, way: Direction) -> bool:
        return self._trouble is not None and self._trouble.on(Kind.DROP, way)


class Network:
    """The thread that carries the proxies; entered before the first is made, left when nothing uses them any more."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._listening: list[asyncio.Server] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_ANSWER_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def proxy(self, host: str, port: int) -> Proxy:
        """A new way to this server; `Proxy.port` is where it is taken."""
        return asyncio.run_coroutine_threadsafe(self._listen(host, port), self._loop).result(_ANSWER_S)

    def call(self, work: Callable[[], None]) -> None:
        """Do it in the network's thread, and return when it is done."""

        async def done() -> None:
            work()

        asyncio.run_coroutine_threadsafe(done(), self._loop).result(_ANSWER_S)

    async def _listen(self, host: str, port: int) -> Proxy:
        proxy = Proxy(self, (host, port))
        server = await asyncio.start_server(proxy.carry, "127.0.0.1", 0)
        self._listening.append(server)
        proxy.port = int(server.sockets[0].getsockname()[1])
        return proxy

    async def _close(self) -> None:
        for server in self._listening:
            server.close()
        tasks: list[asyncio.Task[Any]] = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the transports that were closed just now say goodbye in the loop's next turn
