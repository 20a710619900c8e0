"""How far something has come, in words."""

from __future__ import annotations

import pytest

from outbox.cli import progress as shown
from outbox.cli.progress import progress, words


@pytest.mark.parametrize(
    ("done", "total", "seconds", "said"),
    [
        (0, 50_000, 0.0, "0 of 50,000 documents"),
        (12_000, 50_000, 12.5, "12,000 of 50,000 documents, 960/s, 40 s left"),
        (12_000, 5_000_000, 12.0, "12,000 of 5,000,000 documents, 1,000/s, 83 min left"),
        (12_000, 50_000_000, 12.0, "12,000 of 50,000,000 documents, 1,000/s, 13.9 h left"),
        (3, 7, 60.0, "3 of 7 documents"),
        (7_000, 7_000, 7.0, "7,000 of 7,000 documents, 1,000/s"),
        (2_000, None, 4.0, "2,000 documents, 500/s"),
    ],
)
def test_rate_and_time_left(done: int, total: int | None, seconds: float, said: str) -> None:
    assert words(done, total, seconds) == said


def test_where_there_is_no_terminal_it_is_plain_lines_on_standard_error(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown, "EVERY_S", 0.0)
    with progress("layers") as show:
        show(0, 10)
        show(10, 10)
    out, err = capfd.readouterr()
    assert out == ""
    assert [line.split(",")[0] for line in err.splitlines()] == [
        "layers: 0 of 10 documents",
        "layers: 10 of 10 documents",
    ]
