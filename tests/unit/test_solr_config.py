"""What a collection's configuration gives, from answers of Solr 9.10.1 and from what else users write."""

from __future__ import annotations

from typing import Any

import pytest

from outbox.solr.config import fences, hides

CONSTRAINT = {"class": "solr.DocBasedVersionConstraintsProcessorFactory"}
RUN = {"class": "solr.RunUpdateProcessorFactory"}
OURS = {"default": "true", "name": "outbox", "": [CONSTRAINT, {"class": "solr.LogUpdateProcessorFactory"}, RUN]}
OTHER = {"name": "other", "": [RUN]}

CHAINS: dict[str, tuple[bool, dict[str, Any]]] = {
    "ours": (True, {"updateRequestProcessorChain": [OURS]}),
    "ours alone, without a list": (True, {"updateRequestProcessorChain": OURS}),
    "Solr's own": (False, {}),
    "a default one without it": (False, {"updateRequestProcessorChain": [{**OURS, "": [RUN]}]}),
    "one that is not the default": (False, {"updateRequestProcessorChain": [{**OURS, "default": "false"}, OTHER]}),
    "one without a name": (True, {"updateRequestProcessorChain": [OTHER, {"": [CONSTRAINT, RUN]}]}),
    "one processor alone": (True, {"updateRequestProcessorChain": [{"default": True, "": CONSTRAINT}]}),
    "/update takes another": (
        False,
        {
            "updateRequestProcessorChain": [OURS, OTHER],
            "requestHandler": {"/update": {"defaults": {"update.chain": "other"}}},
        },
    ),
    "initParams take another": (
        True,
        {
            "updateRequestProcessorChain": [{**OTHER, "default": "true"}, {**OURS, "default": "false"}],
            "initParams": [{"path": "/update/**,/query", "defaults": {"update.chain": "outbox"}}],
        },
    ),
    "by the name of a processor": (
        True,
        {
            "updateRequestProcessorChain": [{"name": "c", "default": "true", "processor": "uuid, version"}],
            "updateProcessor": {"uuid": {"class": "solr.UUIDUpdateProcessorFactory"}, "version": CONSTRAINT},
        },
    ),
}


@pytest.mark.parametrize(("expected", "config"), CHAINS.values(), ids=CHAINS)
def test_the_chain_of_updates_fences(expected: bool, config: dict[str, Any]) -> None:
    assert fences(config) is expected


FILTERS: dict[str, tuple[bool, Any]] = {
    "ours": (True, {"appends": {"fq": "-deleted:true"}}),
    "among others": (True, {"appends": {"fq": ["type:layer", "-deleted:true"]}}),
    "in other words": (True, {"invariants": {"fq": "-{!term f=deleted v=true}"}}),
    "none": (False, {"appends": {"df": "_text_"}}),
    "a default, which the caller may overrule": (False, {"defaults": {"fq": "-deleted:true"}}),
    "of another field": (False, {"appends": {"fq": "-undeleted:true"}}),
    "one of two conditions": (False, {"appends": {"fq": "-deleted:true OR type:x"}}),
    "the other way round": (False, {"appends": {"fq": "deleted:true"}}),
}


@pytest.mark.parametrize(("expected", "handler"), FILTERS.values(), ids=FILTERS)
def test_select_hides_tombstones(expected: bool, handler: Any) -> None:
    assert hides({"requestHandler": {"/select": handler}}, "deleted") is expected
    assert hides({"initParams": [{"path": "/query,/select", **handler}]}, "deleted") is expected
    assert not hides({"requestHandler": {"/query": handler}}, "deleted")
