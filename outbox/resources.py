"""Where the files lie that ship with the library: the migrations and Solr's configset.

The wheel carries both inside `outbox`. In a checkout (an editable install) they stand at the repository's root, and are
read there, so that an edited migration or configset needs no new install.
"""

from __future__ import annotations

from pathlib import Path

from outbox.errors import OutboxError

_PACKAGE = Path(__file__).resolve().parent


def migrations() -> Path:
    """The folder of Alembic's `env.py`. Raises OutboxError when the installation lacks it."""
    return _folder(packaged="migrations", checkout="migrations", holds="env.py")


def configset() -> Path:
    """The folder of `solrconfig.xml`, our configset. Raises OutboxError when the installation lacks it."""
    return _folder(packaged="configset", checkout="solr/conf", holds="solrconfig.xml")


def _folder(*, packaged: str, checkout: str, holds: str) -> Path:
    candidates = [_PACKAGE / packaged]
    # Beside an installed package lie other people's packages, whose `migrations` is not ours: ask for the project file.
    if (_PACKAGE.parent / "pyproject.toml").is_file():
        candidates.append(_PACKAGE.parent / checkout)
    for folder in candidates:
        if (folder / holds).is_file():
            return folder
    looked = " and ".join(str(folder) for folder in candidates)
    raise OutboxError(f"the installation of solr-outbox is incomplete: no {holds} in {looked}; install it again")
