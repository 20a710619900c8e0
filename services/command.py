"""Running a program to its end, in an environment without other people's settings."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from services.errors import StackError

# A PGHOST or RABBITMQ_NODENAME that the user exported for something else must not reach our servers.
_FOREIGN = ("PG", "RABBITMQ_", "ERL_", "SOLR_", "FLOWER_", "CELERY_", "OUTBOX_", "SUPERVISOR_", "JDK_", "CLASSPATH")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our own environment without foreign settings of the services, and with `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return {**kept, "LC_ALL": "C.UTF-8", **(extra or {})}


def run(
    command: Sequence[str | Path],
    *,
    extra: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    limit_s: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run `command` and return what it said, both streams as one text; never a shell, no input.

    Raises StackError when it does not end within `limit_s` or cannot be run.
    """
    words = [str(word) for word in command]
    try:
        return subprocess.run(  # noqa: S603 (words are ours: paths and options, no shell reads them)
            words,
            env=environment(extra),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=limit_s,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StackError(f"`{' '.join(words)}` did not end within {limit_s:.0f} s") from error
    except OSError as error:
        raise StackError(f"`{words[0]}` cannot be run: {error.strerror}") from error


def succeed(
    command: Sequence[str | Path],
    *,
    extra: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    limit_s: float = 60,
) -> str:
    """As `run`, but an exit code other than 0 raises StackError with the last lines of what the program said."""
    done = run(command, extra=extra, cwd=cwd, limit_s=limit_s)
    if done.returncode != 0:
        words = " ".join(str(word) for word in command)
        raise StackError(f"`{words}` ended with {done.returncode}:\n{tail(done.stdout)}")
    return done.stdout


def tail(text: str, lines: int = 15) -> str:
    """The last lines, indented, for a message."""
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines()[-lines:])
