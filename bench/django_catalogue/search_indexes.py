"""What Haystack indexes of a layer: the fields of our document without the box, read with prefetch.

`text` is what a plain search looks in, made by a template as in Haystack's tutorial; in our configset Solr copies the
fields for that.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from haystack import indexes

from bench.django_catalogue.models import Layer

_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)  # what Python can hold


class LayerIndex(indexes.SearchIndex, indexes.Indexable):
    """Found by Haystack by the name of this module."""

    text = indexes.CharField(document=True, use_template=True)
    abstract = indexes.CharField(model_attr="abstract")
    name = indexes.CharField(model_attr="name")
    title = indexes.CharField(model_attr="title")
    category = indexes.CharField(model_attr="category__gn_description", null=True)
    username = indexes.CharField(model_attr="owner__username")
    keywords = indexes.MultiValueField()
    regions = indexes.MultiValueField()
    modified_date = indexes.DateTimeField(model_attr="date")

    def get_model(self) -> type[Layer]:
        """Of Haystack."""
        return Layer

    def index_queryset(self, using: str | None = None) -> Any:
        """All that Python can hold the date of."""
        found = Layer.objects.filter(date__gt=_FIRST, date__lt=_LAST)
        return found.select_related("category", "owner").prefetch_related("keywords", "regions")

    def prepare_keywords(self, layer: Layer) -> list[str]:
        """Sorted, each once."""
        return sorted({keyword.name for keyword in layer.keywords.all()})

    def prepare_regions(self, layer: Layer) -> list[str]:
        """Sorted."""
        return sorted(region.name for region in layer.regions.all())
