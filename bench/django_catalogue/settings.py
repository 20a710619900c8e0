"""Settings of Django: the benchmark's services, from its environment."""

from __future__ import annotations

import os

from psycopg.conninfo import conninfo_to_dict

_where = conninfo_to_dict(os.environ["OUTBOX_DATABASE_URL"])

INSTALLED_APPS = ["haystack", "bench.django_catalogue"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _where.get("dbname"),
        "USER": _where.get("user"),
        "PASSWORD": _where.get("password"),
        "HOST": _where.get("host"),
        "PORT": _where.get("port"),
        "OPTIONS": {"options": "-c search_path=catalogue"},
    }
}
HAYSTACK_CONNECTIONS = {
    "default": {
        "ENGINE": "haystack.backends.solr_backend.SolrEngine",
        "URL": f"{os.environ['OUTBOX_SOLR_URL']}/{os.environ['BENCH_COLLECTION']}",
        "BATCH_SIZE": 500,
        "SILENTLY_FAIL": False,
    }
}
HAYSTACK_DOCUMENT_FIELD = "abstract"  # Haystack demands one; so the fields are those of our document, and no more
USE_TZ = True
SECRET_KEY = "of a benchmark"  # noqa: S105 - nothing is signed with it
