"""Run `update_index` with two workers; print how many layers it indexed, and its seconds without those of the start.

One commit in the end, not one a batch as by default: that is quicker.
"""

from __future__ import annotations

import os
import time

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.django_catalogue.settings"

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - needs the setup

from bench.django_catalogue.search_indexes import LayerIndex  # noqa: E402


def main() -> None:
    """The program."""
    count = LayerIndex().index_queryset().count()
    began = time.monotonic()
    call_command("update_index", workers=2, commit=False, verbosity=0)
    print(count, time.monotonic() - began)


if __name__ == "__main__":
    main()
