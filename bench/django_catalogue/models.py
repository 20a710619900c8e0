"""The tables of examples/catalogue/schema.sql, as far as the document shows them."""

from __future__ import annotations

from django.db import models


class Category(models.Model):
    """A category."""

    gn_description = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = "category"


class Person(models.Model):
    """An owner."""

    username = models.CharField(max_length=150)

    class Meta:
        managed = False
        db_table = "person"


class Keyword(models.Model):
    """A keyword."""

    name = models.CharField(max_length=100)

    class Meta:
        managed = False
        db_table = "keyword"


class Region(models.Model):
    """A region."""

    name = models.CharField(max_length=255)

    class Meta:
        managed = False
        db_table = "region"


class Layer(models.Model):
    """A layer: the root of the document."""

    uuid = models.UUIDField()
    name = models.CharField(max_length=255)
    title = models.TextField()
    abstract = models.TextField()
    category = models.ForeignKey(Category, null=True, on_delete=models.DO_NOTHING)
    owner = models.ForeignKey(Person, on_delete=models.DO_NOTHING)
    date = models.DateTimeField()
    x0 = models.FloatField(null=True)
    x1 = models.FloatField(null=True)
    y0 = models.FloatField(null=True)
    y1 = models.FloatField(null=True)
    keywords = models.ManyToManyField(Keyword, through="LayerKeyword")
    regions = models.ManyToManyField(Region, through="LayerRegion")

    class Meta:
        managed = False
        db_table = "layer"


class LayerKeyword(models.Model):
    """Layers' keywords."""

    layer = models.ForeignKey(Layer, on_delete=models.DO_NOTHING)
    keyword = models.ForeignKey(Keyword, on_delete=models.DO_NOTHING)

    class Meta:
        managed = False
        db_table = "layer_keyword"


class LayerRegion(models.Model):
    """Layers' regions."""

    layer = models.ForeignKey(Layer, on_delete=models.DO_NOTHING)
    region = models.ForeignKey(Region, on_delete=models.DO_NOTHING)

    class Meta:
        managed = False
        db_table = "layer_region"
