"""Each Postgres in turn."""

from __future__ import annotations

import pytest

from services.endpoints import Endpoints


@pytest.fixture(scope="module", params=["postgres", "pg15"])
def server_url(request: pytest.FixtureRequest, endpoints: Endpoints) -> str:
    """The superuser's address of each Postgres; 15 is left out where there is none."""
    url = endpoints.database_url if request.param == "postgres" else endpoints.pg15_url
    if not url:
        pytest.skip("there is no Postgres 15 on this machine")
    return url
