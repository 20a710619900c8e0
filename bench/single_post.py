"""One document, one request: what the tutorial's tasks do with what they read, and how they say so."""

from __future__ import annotations

import os
from pathlib import Path

import requests


def post(document: str | bytes) -> None:
    """POST this JSON, and append a byte to the file that the benchmark looks at."""
    answer = requests.post(
        f"{os.environ['OUTBOX_SOLR_URL']}/{os.environ['BENCH_COLLECTION']}/update/json/docs",
        data=document,
        params={"commitWithin": 1500},
        headers={"content-type": "application/json"},
        timeout=60,
    )
    answer.raise_for_status()
    with Path(os.environ["BENCH_DONE"]).open("ab") as done:
        done.write(b".")
