"""The protocol holds on every random schedule; without any one of its rules, some schedule breaks a promise."""

from __future__ import annotations

import pytest

from tests.unit.protocol_model import Mutant, explore

RUNS = 2000
PATIENCE = 10_000  # the rarest break is one in a thousand runs


def test_the_protocol_holds() -> None:
    broken = {seed: words for seed in range(RUNS) if (words := explore(seed))}
    assert broken == {}


@pytest.mark.parametrize("mutant", Mutant)
def test_without_one_rule_it_breaks(mutant: Mutant) -> None:
    broken = next((seed for seed in range(PATIENCE) if explore(seed, mutant)), None)
    assert broken is not None, f"{mutant.name} was not noticed in {PATIENCE} runs"


def test_a_schedule_can_be_repeated() -> None:
    found = [explore(seed, Mutant.NO_EXCLUSION) for seed in range(200)]
    assert found == [explore(seed, Mutant.NO_EXCLUSION) for seed in range(200)]
