"""What to claim next. Pure: a survey and the settings in, claims to make out.

One or two live claims in flight: an idle system sends one document at once; while a claim is out, changes gather for
the next one. (Measured with a trial at 200 edits a second: p99 60 ms with one claim in flight, 73 with two, 92 with
four, 3,000 with no limit, since tasks of one document choke Celery.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from outbox.settings import RelaySettings
from outbox.store.claims import Lane
from outbox.store.targets import Survey


@dataclass(frozen=True, slots=True)
class Wish:
    """One claim to try: a lane, and how many documents at the most.

    `suspects`: of keys that are suspects, whatever their lane. `avoid`: the number of a claim whose keys are left out.
    `probe`: nothing else is claimed beside it.
    """

    lane: Lane
    keys: int
    suspects: bool = False
    avoid: int | None = None
    probe: bool = False

    @property
    def alone(self) -> bool:
        """Whether to stop after it: a probe, or the one claim of the bulk queue that nobody has begun."""
        return self.probe or self.lane is not Lane.LIVE


def wishes(
    survey: Survey, settings: RelaySettings, has_consumer: Callable[[Lane], bool], *, replay_first: bool
) -> Iterator[Wish]:
    """The claims to try for one target, in this order, until one that has to stay `alone` succeeds.

    `replay_first` turns at each bulk claim: a large fan-out and a replay of a million take turns.
    """
    if survey.paused or survey.resting or survey.unchecked:
        return
    if survey.failing:
        yield from _probe(survey, has_consumer)
        return
    most = min(settings.batch, survey.batch or settings.batch)
    live = survey.live and survey.live_in_flight < settings.max_in_flight
    if live and has_consumer(Lane.LIVE):
        yield Wish(Lane.LIVE, most)
    bulk = (Lane.REPLAY, Lane.FANOUT) if replay_first else (Lane.FANOUT, Lane.REPLAY)
    wanted = [Wish(lane, most) for lane in bulk if survey.waiting(lane)]
    if survey.suspects and not survey.suspects_in_flight:
        wanted.insert(0, Wish(Lane.REPLAY, most, suspects=True))
    # At most one that nobody has begun: its keys are shut out of live claims until somebody does.
    free = survey.bulk_in_flight < settings.bulk_in_flight and survey.bulk_unbegun == 0
    if wanted and free and has_consumer(bulk[0]):
        yield from wanted


def _probe(survey: Survey, has_consumer: Callable[[Lane], bool]) -> Iterator[Wish]:
    """One document at a time asks whether the target is back: never one that failed last, unless nothing else waits."""
    if survey.live_in_flight + survey.bulk_in_flight > 0:
        return
    lanes = [lane for lane in Lane if survey.waiting(lane) and has_consumer(lane)]
    if survey.failed is not None:
        yield from (Wish(lane, 1, avoid=survey.failed, probe=True) for lane in lanes)
    yield from (Wish(lane, 1, probe=True) for lane in lanes)
    if survey.suspects and has_consumer(Lane.REPLAY):
        yield Wish(Lane.REPLAY, 1, suspects=True, probe=True)
