"""Settings of Django: the benchmark's services, from its environment."""

from __future__ import annotations

import os
from pathlib import Path

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
        "SILENTLY_FAIL": False,
    }
}
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [Path(__file__).parent / "templates"]}
]
USE_TZ = True
CELERY_BROKER_URL = os.environ.get("OUTBOX_BROKER_URL")
CELERY_TASK_IGNORE_RESULT = True
SECRET_KEY = "of a benchmark"  # noqa: S105 - nothing is signed with it
