"""Who listens where, as the kernel says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_LISTEN = "0A"


@dataclass(frozen=True, slots=True)
class Listener:
    """One listening TCP socket; `address` is in the kernel's hexadecimal, words in the machine's byte order."""

    pid: int
    address: str
    port: int

    @property
    def loopback(self) -> bool:
        """127.0.0.0/8, ::1, or the first as an IPv6 address."""
        mapped = "0000000000000000FFFF0000"
        if len(self.address) == 8:
            return self.address.endswith("7F")
        return self.address == "00000000000000000000000001000000" or (
            self.address.startswith(mapped) and self.address.endswith("7F")
        )


def listeners() -> set[Listener]:
    """Every listening TCP socket of a process that we can look into."""
    found: dict[str, tuple[str, int]] = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            address, port = fields[1].split(":")
            if fields[3] == _LISTEN:
                found[fields[9]] = (address, int(port, 16))
    return {Listener(pid, *found[inode]) for pid, inode in _sockets() if inode in found}


def _sockets() -> set[tuple[int, str]]:
    """Each process with the inode of each socket that it holds."""
    held: set[tuple[int, str]] = set()
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                targets = [str(fd.readlink()) for fd in (process / "fd").iterdir()]
            except (FileNotFoundError, PermissionError, ProcessLookupError):
                continue
            held |= {(int(process.name), t[8:-1]) for t in targets if t.startswith("socket:[")}
    return held
