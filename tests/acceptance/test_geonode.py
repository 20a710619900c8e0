"""A GeoNode 5.1's tables on PostGIS: what GeoNode writes, and exactly which documents get an event of it.

GeoNode's role is no superuser and has nothing to do with ours; it owns the tables, and applies. Resources above 300 are
maps: an event may name one, since only the worker's look at the view tells that it is no dataset.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from outbox import migrate
from outbox.capture.plan import analyse
from outbox.connection import connect
from outbox.settings import IndexSettings
from outbox.solr.client import Address, Solr
from outbox.sql import parse
from services import provision
from services.endpoints import Endpoints
from services.errors import StackError
from tests.acceptance.geonode import EXAMPLE, SQL, VIEW, Geonode
from tests.conftest import cloned
from tests.pipeline import Pipeline

ACTIONS = parse((Path(__file__).parent / "geonode_actions.sql").read_text("utf-8"), "geonode_actions.sql")

SETTLE = "5s"  # for the saves of the editor that are counted

# The same for all versions of GeoNode, so that an upgrade keeps the collection.
FIELDS = {
    **dict.fromkeys(("id", "name", "category", "username"), ("string", False)),
    **dict.fromkeys(("title", "abstract"), ("text_general", False)),
    **dict.fromkeys(("keywords", "regions"), ("string", True)),
    "modified_date": ("pdate", False),
    "bbox": ("bbox", False),
}

# Of each action: how many events it writes, and the resources that are looked at for it, by hand from geonode_fill.sql.
EXPECTED: dict[str, tuple[int, Collection[int]]] = {
    "save_unedited": (0, []),
    "save_of_a_new_title": (1, [12]),
    "metadata_editor": (5, [13]),
    "patch_of_the_abstract": (1, [15]),
    "patch_of_the_title": (1, [16]),
    "upload": (5, [1001]),
    "owner_transfer": (1, [18]),
    "permissions": (0, []),
    "keyword_added": (1, [20]),
    "keyword_added_twice": (1, [28]),
    "new_keyword_added": (2, [21]),
    "keywords_set": (2, [22]),
    "regions_set": (4, [23]),
    "keyword_renamed": (1, [*range(3, 341, 30), *range(9, 341, 30)]),
    "category_renamed": (1, {*range(2, 341, 6)} - {*range(0, 341, 10)}),
    "category_described": (0, []),
    "user_renamed": (1, range(1, 341, 4)),
    "profile_edited": (0, []),
    "login": (0, []),
    "region_renamed": (1, [7, 107, 207, 307]),
    "region_added": (1, []),
    "bulk_update": (10, range(31, 41)),
    "bulk_update_of_both_tables": (10, range(41, 46)),
    "links_in_bulk": (10, range(50, 60)),
    "box_set": (1, [24]),
    "box_saved_again": (0, []),
    "embedded": (0, []),
    "map_saved": (1, [301]),
    "user_deleted": (2, [18]),
    "keyword_deleted": (23, [*range(17, 341, 30), *range(29, 341, 30)]),
    "deleted": (6, [25]),
    "deleted_by_queryset": (6, [26]),
    "uuid_changed": (2, [27, 2027]),
    "rolled_back": (0, []),
}


@pytest.fixture(scope="session")
def postgis_url(endpoints: Endpoints) -> str:
    """The superuser's address of a Postgres 15 that has PostGIS."""
    if not endpoints.pg15_url:
        pytest.skip("there is no Postgres 15 on this machine")
    try:
        provision.provide(["postgis"], print)
    except StackError as error:
        pytest.skip(str(error))
    return endpoints.pg15_url


@pytest.fixture
def database(postgis_url: str) -> Iterator[str]:
    """The address of a database with the eight tables, filled; without the schema outbox."""
    with cloned(postgis_url, "template0") as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE EXTENSION postgis")
            connection.execute((EXAMPLE / "schema.sql").read_text("utf-8").encode(), prepare=False)
            connection.execute(SQL["save"])
            connection.execute(SQL["fill"], prepare=False)
        yield url


@pytest.fixture
def roles(postgis_url: str) -> Iterator[dict[str, str]]:
    """GeoNode's role, and that of relay and workers."""
    found = {name: f"{name}_{secrets.token_hex(4)}" for name in ("geonode", "relay")}
    with psycopg.connect(postgis_url, autocommit=True) as connection:
        for role in found.values():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        yield found
        for role in found.values():
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


@pytest.fixture
def geonode(roles: dict[str, str], database: str, broker_url: str, solr_url: str, tmp_path: Path) -> Iterator[Geonode]:
    """Migrated and granted as the README says; there is no view yet, nothing is applied, and no process runs."""
    addresses = {"OUTBOX_BROKER_URL": broker_url, "OUTBOX_SOLR_URL": solr_url}
    config = str(EXAMPLE / "outbox.toml")
    root = Pipeline({**addresses, "OUTBOX_DATABASE_URL": database}, tmp_path)
    root.run("migrate", "--grant-apply-to", roles["geonode"], "--grant-to", roles["relay"])
    theirs, ours = (
        Pipeline({**addresses, "OUTBOX_DATABASE_URL": _as(database, role), "OUTBOX_CONFIG": config}, tmp_path)
        for role in roles.values()
    )
    with psycopg.connect(database, autocommit=True) as connection:
        for (statement,) in connection.execute(SQL["owned"], {"owner": roles["geonode"]}).fetchall():
            connection.execute(statement)
        try:
            yield Geonode(connection, theirs, ours, Solr(Address(solr_url)))
        finally:
            ours.stop_all()


def _as(url: str, role: str) -> str:
    """The address with another user, who needs no password."""
    address = urlsplit(url)
    return address._replace(netloc=f"{role}@{address.netloc.rpartition('@')[2]}").geturl()


@pytest.mark.parametrize("version", ["5.1", "before 5.1"])
def test_the_view_is_understood_without_any_declaration(database: str, version: str) -> None:
    migrate.upgrade(database)
    with connect(database, application="test", autocommit=True) as connection:
        if version != "5.1":
            connection.execute(SQL["translated"])
        connection.execute((EXAMPLE / _view(version)).read_text("utf-8").encode())
        found = analyse(connection, IndexSettings(view=VIEW), "datasets")
    assert found.problems == []
    assert found.definition is not None
    assert {field.name: (field.solr_type, field.multivalued) for field in found.definition.fields} == FIELDS
    tracked = {table.relation: {column.name for column in table.tracked} for table in found.definition.tables}
    assert tracked == _tracked(version)
    assert {way.table for way in found.definition.ways} == tracked.keys() - {'"public"."base_resourcebase"'}


def _view(version: str) -> str:
    return "view.sql" if version == "5.1" else "view_before_5_1.sql"


def _tracked(version: str) -> dict[str, set[str]]:
    """The columns of the table in which a change is an event, and the primary keys, by which ways join."""
    resource = {"id", "uuid", "title", "abstract", "date", "ll_bbox_polygon", "category_id", "owner_id"}
    twins = (
        (set(), set(), set()) if version == "5.1" else ({"title_en", "abstract_en"}, {"gn_description_en"}, {"name_en"})
    )
    tables = {
        "base_resourcebase": resource,
        "layers_dataset": {"resourcebase_ptr_id", "name", *twins[0]},
        "base_taggedcontentitem": {"content_object_id", "tag_id"},
        "base_resourcebase_regions": {"resourcebase_id", "region_id"},
        "base_topiccategory": {"id", "gn_description", *twins[1]},
        "people_profile": {"id", "username"},
        "base_hierarchicalkeyword": {"id", "name"},
        "base_region": {"id", "name", *twins[2]},
    }
    return {f'"public"."{name}"': columns for name, columns in tables.items()}


def test_each_action_of_geonode_reaches_exactly_its_documents(geonode: Geonode) -> None:
    assert list(EXPECTED) == list(ACTIONS)
    geonode.view("view.sql")
    geonode.pipeline.run("apply")
    geonode.ours.start()
    geonode.drained()
    _what_the_view_makes_of_the_traps(geonode)
    for name, script in ACTIONS.items():
        known = geonode.known()
        geonode.does(script)
        geonode.drained()
        events, keys = geonode.one("since", known=known)
        resources = {int(key.rpartition("-")[2]) for key in keys or []}
        assert (events, resources) == (EXPECTED[name][0], {*EXPECTED[name][1]}), name


def _what_the_view_makes_of_the_traps(geonode: Geonode) -> None:
    boxes = [row[0] for row in geonode.connection.execute(SQL["boxes"])]
    assert boxes == [
        "ENVELOPE(11.5, 11.5, 48.1, 48.1)",
        "ENVELOPE(-10, 10, 90, 60)",
        "ENVELOPE(175, -170, 10, -10)",
        None,
        None,
        "ENVELOPE(6, 11, 11, 6)",
        None,
    ]
    assert geonode.connection.execute(SQL["lists"]).fetchall() == [
        (2, ["keyword 15", "rock & roll"], ["Punjab", "Region 3"], "Category 3"),
        (5, ["keyword 6"], ["Region 205", "Region 6"], None),
        (151, ["keyword 2", "keyword 8"], ["Punjab", "Region 52"], "Category 2"),
    ]


def test_an_upgrade_of_geonode_and_the_editor_that_takes_keywords_away_and_back(geonode: Geonode) -> None:
    geonode.as_owner(SQL["translated"])
    geonode.view("view_before_5_1.sql")
    geonode.pipeline.run("apply")
    geonode.ours.start()
    geonode.drained()
    geonode.does("UPDATE layers_dataset SET title_en = 'English' WHERE resourcebase_ptr_id = 1")
    geonode.drained()

    with pytest.raises(psycopg.errors.FeatureNotSupported, match=r"used (by a view|in a trigger)"):
        geonode.as_owner("ALTER TABLE public.base_resourcebase ALTER id TYPE bigint")
    geonode.pipeline.run("detach", "datasets")
    geonode.as_owner(SQL["upgrade"])
    geonode.view("view.sql")
    geonode.configure(settle=SETTLE)
    geonode.pipeline.run("apply")
    geonode.drained()
    _edited_without_a_document_that_lacks_keywords(geonode, range(60, 80))


def _edited_without_a_document_that_lacks_keywords(geonode: Geonode, resources: range) -> None:
    known = geonode.known()
    # Many people save at once: between two transactions of one are those of the others.
    geonode.does(SQL["editor"], [{"resource": resource} for resource in resources])
    geonode.drained()
    edited = geonode.connection.execute(SQL["edited"], {"known": known, "settle": SETTLE}).fetchall()
    assert [int(row[0]) for row in edited] == [*resources]
    quick = [(claims, early) for _, quick, claims, early in edited if quick]
    assert quick, "no save took less than `settle`: this machine is too slow to tell"
    print(f"claims for each of {len(quick)} saves: {sorted(claims for claims, _ in quick)}")
    assert all(early == 0 for _, early in quick)
