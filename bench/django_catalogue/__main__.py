"""Run `update_index` with two workers; print how many layers it indexed, and its seconds without those of the start.

    python -m bench.django_catalogue [--tuned]

By default it sends 1,000 layers at a time and commits each time; tuned, 500, and whoever starts it commits in the end.
"""

from __future__ import annotations

import os
import sys
import time

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.django_catalogue.settings"

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - needs the setup

from bench.django_catalogue.search_indexes import LayerIndex  # noqa: E402 - needs the setup


def main() -> None:
    """The program."""
    options = {"commit": False, "batchsize": 500} if "--tuned" in sys.argv[1:] else {}
    count = LayerIndex().index_queryset().count()
    began = time.monotonic()
    call_command("update_index", workers=2, verbosity=0, **options)
    print(count, time.monotonic() - began)


if __name__ == "__main__":
    main()
