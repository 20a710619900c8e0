"""Problems that `check`, `plan` and `apply` report: a stable code, where it is, what it is, and its cure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error stops `apply`; a warning is only said."""

    ERROR = "error"
    WARNING = "warning"


class Code(StrEnum):
    """What can be wrong. The values are stable: scripts may compare them."""

    VIEW_MISSING = "view-missing"
    VIEW_NOT_A_VIEW = "view-not-a-view"
    ID_MISSING = "id-missing"
    ID_NOT_A_KEY = "id-not-a-key"
    ID_NULLABLE = "id-nullable"
    KEY_TYPE = "key-type"
    COLUMN_TYPE = "column-type"
    COLUMN_NAME = "column-name"
    VIEW_NOT_READ = "view-not-read"
    NO_WAY = "no-way"
    DECLARED_WAY = "declared-way"
    OCCURRENCES = "occurrences"
    RECURSIVE = "recursive"
    WINDOW = "window"
    DISTINCT_DOCUMENTS = "distinct-documents"
    LIMIT_DOCUMENTS = "limit-documents"
    SET_OPERATION = "set-operation"
    MATERIALIZED_VIEW = "materialized-view"
    FOREIGN_TABLE = "foreign-table"
    SYSTEM_TABLE = "system-table"
    VOLATILE_FUNCTION = "volatile-function"
    TABLE_FUNCTION = "table-function"
    WHOLE_ROW = "whole-row"
    SYSTEM_COLUMN = "system-column"
    KEYED_READ = "keyed-read"
    RIGHTS = "rights"
    ROW_SECURITY = "row-security"
    TWO_ROWS = "two-rows"
    NO_ORDER = "no-order"
    NO_INDEX = "no-index"
    VIEW_CHANGED = "view-changed"
    SETTINGS_CHANGED = "settings-changed"
    DETACHED = "detached"
    TRIGGER_MISSING = "trigger-missing"
    TRIGGER_DISABLED = "trigger-disabled"
    TRIGGER_CHANGED = "trigger-changed"
    PREPARED_TRANSACTIONS = "prepared-transactions"
    SOLR_UNAVAILABLE = "solr-unavailable"
    COLLECTION_MISSING = "collection-missing"
    COLLECTION_FOREIGN = "collection-foreign"
    FIELD_MISSING = "field-missing"
    FIELD_KIND = "field-kind"
    NO_FENCE = "no-fence"
    NO_TOMBSTONES = "no-tombstones"
    BROKER_GUARANTEES = "broker-guarantees"
    BROKER_UNAVAILABLE = "broker-unavailable"
    NO_CONSUMER = "no-consumer"
    NO_RELAY = "no-relay"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: `where` names the object, `what` says it in a sentence, `cure` what to do."""

    code: Code
    severity: Severity
    where: str
    what: str
    cure: str

    def as_json(self) -> dict[str, str]:
        """The shape that `check --json` prints."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.severity}: {self.where}: {self.what} {self.cure} [{self.code}]"


def errors(problems: list[Problem]) -> list[Problem]:
    """Those that stop `apply`."""
    return [problem for problem in problems if problem.severity is Severity.ERROR]
