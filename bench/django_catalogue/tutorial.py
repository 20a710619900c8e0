"""The Celery application and task of the tutorial: Django's ORM, and what Celery does where it finds Django.

After docs/09_solr.md and docs/11_celery.md of github.com/capooti/foss4g_2017_geonode_solr: the layer is got by its
number, what is related to it is asked for where it is used, and the document is posted by itself. Celery closes
Django's connection to the database around each task: `CELERY_DB_REUSE_MAX` is not set there. Two things are not the
tutorial's: its date, which Solr refuses where there are no microseconds, and the version, without which Solr would
refuse the write.
"""

from __future__ import annotations

import json
import os
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.django_catalogue.settings"

import django
from celery import Celery

from bench.single_post import post

django.setup()

from bench.django_catalogue.models import Layer  # noqa: E402 - needs the setup

app = Celery("tutorial")
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.task(name="bench.tutorial.orm")
def index(layer_id: int, version: int) -> None:
    """Read one layer and post it."""
    document = as_document(Layer.objects.get(pk=layer_id)) | {"src_version": version}
    post(json.dumps(document))


def as_document(layer: Layer) -> dict[str, Any]:
    """The tutorial's `layer2dict`."""
    return {
        "id": str(layer.uuid),
        "name": layer.name,
        "title": layer.title,
        "abstract": layer.abstract,
        "bbox": f"ENVELOPE({layer.x0},{layer.x1},{layer.y1},{layer.y0})",
        "category": layer.category.gn_description if layer.category else "",
        "modified_date": layer.date.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "username": layer.owner.username,
        "keywords": [keyword.name for keyword in layer.keywords.all()],
        "regions": [region.name for region in layer.regions.all()],
    }
