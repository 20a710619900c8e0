"""The settings: outbox.toml and the environment, read once, checked whole, frozen, and passed down.

The environment wins over the file. Secrets come from the environment or from files that it names (`…_FILE`), never from
outbox.toml, which is made to be committed.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from outbox.addresses import Service, holds_password, wrong_with
from outbox.errors import ConfigError
from outbox.settings_errors import explain

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")


def parse_duration(text: object) -> object:
    """Turn "250ms", "30s", "5m", "1h" or "7d" into a timedelta; anything else that is not one raises ValueError."""
    if isinstance(text, timedelta):
        return text
    match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError('write a duration as a number and a unit, e.g. "250ms", "30s", "5m", "1h" or "7d"')
    try:
        return timedelta(**{_UNITS[match[2]]: float(match[1])})
    except OverflowError:
        raise ValueError('is longer than any machine runs: write e.g. "365d"') from None


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
_SOME = timedelta(milliseconds=1)
_HOUR = timedelta(hours=1)
_CENTURY = timedelta(days=36_500)  # Postgres subtracts it from the time
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OwnFieldNames(_Section):
    """The names in Solr of our three fields; `version = ""` where the collection has no place for it."""

    version: str = "src_version"
    deleted: str = "deleted"
    hash: str = "src_hash"


class IndexSettings(_Section):
    """One `[index.NAME]`: a document view and where its documents go."""

    view: str
    collection: str = ""
    settle: Duration = timedelta(0)
    commit_within: Duration = timedelta(seconds=1)
    deletes: Literal["tombstone", "plain"] = "tombstone"
    fence: bool = True
    adopt: bool = False
    scope: str = ""
    capture: Literal["origin", "always"] = "origin"
    own_fields: OwnFieldNames = OwnFieldNames()
    fields: Mapping[str, str] = Field(default_factory=dict)
    ways: Mapping[str, str] = Field(default_factory=dict)

    @field_validator("view")
    @classmethod
    def _qualified(cls, view: str) -> str:
        if view.count(".") != 1 or not all(view.split(".")):
            raise ValueError(f'name the view with its schema, e.g. "public.{view.strip(".") or "layer_document"}"')
        return view

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.deletes == "tombstone" and not self.own_fields.deleted:
            raise ValueError('tombstones need a field: set own_fields.deleted, or deletes = "plain"')
        if not self.own_fields.version and not self.scope:
            raise ValueError('without own_fields.version nothing tells our documents: set scope, e.g. "type:layer"')
        return self


class RelaySettings(_Section):
    """The section `[relay]`: read by the relay alone, which writes the leases on each claim."""

    max_in_flight: int = Field(2, ge=1, le=1000)
    bulk_in_flight: int = Field(4, ge=1, le=1000)
    batch: int = Field(500, ge=1, le=10_000)
    dispatch_lease: Duration = Field(timedelta(seconds=30), ge=_SOME)
    work_lease: Duration = Field(timedelta(seconds=60), ge=_SOME)
    poll: Duration = Field(timedelta(seconds=1), ge=_SOME)
    retention: Duration = Field(timedelta(days=7), ge=_HOUR, le=_CENTURY)


class _File(_Section):
    """The whole of outbox.toml."""

    database_url: str = ""
    broker_url: str = ""
    solr_url: str = ""
    index: Mapping[str, IndexSettings] = Field(default_factory=dict)
    relay: RelaySettings = RelaySettings()

    @field_validator("database_url", "broker_url", "solr_url")
    @classmethod
    def _no_secret(cls, url: str) -> str:
        if holds_password(url):
            raise ValueError("holds a password: give the address with its password in the environment instead")
        return url

    @field_validator("index")
    @classmethod
    def _plain_names(cls, index: Mapping[str, IndexSettings]) -> Mapping[str, IndexSettings]:
        for name in index:
            if not _NAME.fullmatch(name):
                raise ValueError(f"the index name {name!r} must be letters, digits and _, at most 63 of them")
        return index


class _Environment(BaseSettings):
    """The variables `OUTBOX_…`; each secret also as `…_FILE`."""

    model_config = SettingsConfigDict(env_prefix="OUTBOX_", env_ignore_empty=True, frozen=True, extra="ignore")

    database_url: SecretStr = SecretStr("")
    database_url_file: Path | None = None
    broker_url: SecretStr = SecretStr("")
    broker_url_file: Path | None = None
    solr_url: SecretStr = SecretStr("")
    solr_user: str = ""
    solr_password: SecretStr = SecretStr("")
    solr_password_file: Path | None = None

    @model_validator(mode="after")
    def _one_place_each(self) -> Self:
        names = ("database_url", "broker_url", "solr_password")
        twice = [n for n in names if getattr(self, n).get_secret_value() and getattr(self, f"{n}_file")]
        both = [f"OUTBOX_{name.upper()}" for name in twice]
        if both:
            raise ValueError("; ".join(f"{name} and {name}_FILE are both set: keep one of them" for name in both))
        return self


class Settings(_Section):
    """Everything that a process of ours needs to know from outside."""

    database: SecretStr
    broker: SecretStr
    solr: SecretStr
    solr_user: str = ""
    solr_password: SecretStr = SecretStr("")
    index: Mapping[str, IndexSettings] = Field(default_factory=dict)
    relay: RelaySettings = RelaySettings()
    source: str = ""

    @property
    def database_url(self) -> str:
        """Address of Postgres, with its password: never print it. Raises ConfigError when it is not given."""
        return self._needed("database", "OUTBOX_DATABASE_URL", "postgresql://user@host/database")

    @property
    def broker_url(self) -> str:
        """Address of RabbitMQ, with its password: never print it. Raises ConfigError when it is not given."""
        return self._needed("broker", "OUTBOX_BROKER_URL", "amqp://user@host/vhost")

    @property
    def solr_url(self) -> str:
        """Address of Solr, ending in /solr. Raises ConfigError when it is not given."""
        return self._needed("solr", "OUTBOX_SOLR_URL", "http://host:8983/solr").rstrip("/")

    def _needed(self, name: str, variable: str, example: str) -> str:
        secret: SecretStr = getattr(self, name)
        if not secret.get_secret_value():
            raise ConfigError(f"{variable} is not set: give the address, e.g. {example}")
        return secret.get_secret_value()

    def named(self, name: str) -> IndexSettings:
        """The settings of one index; ConfigError names those that there are."""
        if name not in self.index:
            known = ", ".join(sorted(self.index)) or "none"
            raise ConfigError(f"{self.source} defines no index {name!r}; it defines: {known}")
        return self.index[name]


_M = TypeVar("_M", _File, _Environment)


def _known_keys(section: str) -> set[str]:
    """The keys that a section of the file may have; `section` is a dotted path, "" the top level."""
    if section.startswith("index."):
        own = section.endswith(".own_fields")
        return set((OwnFieldNames if own else IndexSettings).model_fields)
    return set((RelaySettings if section == "relay" else _File).model_fields)


def load(path: Path | None = None) -> Settings:
    """Read outbox.toml and the environment.

    `path`: the file that --config names; else $OUTBOX_CONFIG, else ./outbox.toml, which may be absent where the
    environment gives the addresses and no index has to be known. Raises ConfigError listing every problem.
    """
    named = path or (Path(os.environ["OUTBOX_CONFIG"]) if os.environ.get("OUTBOX_CONFIG") else None)
    source = named or Path("outbox.toml")
    raw = _read(source, must_exist=named is not None)
    problems: list[str] = []
    file = _checked(_File, raw, str(source), problems)
    environment = _checked(_Environment, None, "the environment", problems)
    settings = _merge(file, environment, str(source), problems) if file and environment else None
    if settings is None or problems:
        raise ConfigError("\n".join(problems))
    return settings


def _read(source: Path, *, must_exist: bool) -> dict[str, Any]:
    if not source.exists() and not must_exist:
        return {}
    try:
        return tomllib.loads(source.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"the settings file {source} does not exist: name another with --config") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the settings file {source} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the settings file {source} is not valid TOML: {error}") from error


def _checked(model: type[_M], raw: dict[str, Any] | None, where: str, problems: list[str]) -> _M | None:
    try:
        return model() if raw is None else model.model_validate(raw)
    except ValidationError as error:
        problems.extend(explain(error, where, _known_keys))
        return None


def _merge(file: _File, environment: _Environment, source: str, problems: list[str]) -> Settings:
    def secret(value: SecretStr, path: Path | None, fallback: str) -> SecretStr:
        if path is not None:
            return SecretStr(_secret_file(path, problems))
        return value if value.get_secret_value() else SecretStr(fallback)

    addresses = {
        Service.DATABASE: secret(environment.database_url, environment.database_url_file, file.database_url),
        Service.BROKER: secret(environment.broker_url, environment.broker_url_file, file.broker_url),
        Service.SOLR: secret(environment.solr_url, None, file.solr_url),
    }
    for service, address in addresses.items():
        if address.get_secret_value() and (wrong := wrong_with(service, address.get_secret_value())):
            key = f"{service.name.lower()}_url"
            problems.append(f"OUTBOX_{key.upper()} (or {key} in {source}) {wrong}")
    indexes = {
        name: index if index.collection else index.model_copy(update={"collection": name})
        for name, index in file.index.items()
    }
    return Settings(
        database=addresses[Service.DATABASE],
        broker=addresses[Service.BROKER],
        solr=addresses[Service.SOLR],
        solr_user=environment.solr_user,
        solr_password=secret(environment.solr_password, environment.solr_password_file, ""),
        index=indexes,
        relay=file.relay,
        source=source,
    )


def _secret_file(path: Path, problems: list[str]) -> str:
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        problems.append(f"the secret file {path} cannot be read: {reason}")
        return ""
    if not text:
        problems.append(f"the secret file {path} is empty")
    return text
