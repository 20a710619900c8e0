"""Named queries: SQL stands in `.sql` files, each query under a line `-- name: what_it_does`.

The lines of comment after the name say why the query is as it is; they travel to the server, where they also name the
statement in `pg_stat_activity`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import LiteralString

_NAME = re.compile(r"^-- name: (\w+)[ \t]*$", re.MULTILINE)


@cache
def queries(package: str, file: str) -> Mapping[str, LiteralString]:
    """The queries of one `.sql` file that lies beside the modules of `package`, by name.

    The text comes from our own files alone, never from a user: hence LiteralString, which psycopg demands.
    Raises ValueError if a name is given twice or a query is empty.
    """
    return parse(resources.files(package).joinpath(file).read_text("utf-8"), f"{package}/{file}")


def parse(text: str, where: str) -> Mapping[str, LiteralString]:
    """Split the text of a file into its queries; `where` names it in errors."""
    found: dict[str, LiteralString] = {}
    parts = _NAME.split(text)
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        if name in found:
            raise ValueError(f"{where} has two queries named {name}")
        if not re.sub(r"--.*", "", body).strip():
            raise ValueError(f"{where}: the query {name} is empty")
        found[name] = f"-- {name}\n{body.strip()}\n"
    return MappingProxyType(found)
