"""What to claim next. Pure: a survey and the settings in, claims to make out.

One or two live claims in flight: an idle system sends one document at once; while a claim is out, changes gather for
the next one. (Measured with a trial at 200 edits a second: p99 60 ms with one claim in flight, 73 with two, 92 with
four, 3,000 with no limit, since tasks of one document choke Celery.)

A claim of the bulk queue has twice as many documents while such claims are done quickly: what each costs, and the pause
of a process between one and the next, is a tenth of a replay. Not else: of a view that takes long for each document, it
would not be done by its deadline (30 s).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from outbox.settings import RelaySettings
from outbox.store.claims import Lane
from outbox.store.targets import Survey

MANY = 1000
"""Documents of a claim of the bulk queue at the most, if `batch` is less; more gain nothing."""
QUICK_S = 4.0


@dataclass(slots=True)
class Pace:
    """When the last full claims of the bulk queue were made, for each target, by the monotonic clock."""

    made: dict[int, list[float]] = field(default_factory=dict)

    def note(self, survey: Survey, now: float, *, full: bool) -> None:
        """One was made, and published. How quick a small one is says nothing of a full one.

        Nor do those that were made before the target failed: they may have been given back.
        """
        if survey.failing or survey.batch is not None:
            self.forget(survey.target)
        elif full:
            self.made[survey.target] = [*self._lately(survey.target, now), now]

    def forget(self, target: int) -> None:
        """Some of them ended and were not done."""
        self.made.pop(target, None)

    def quick(self, survey: Survey, now: float) -> bool:
        """Whether a full one that was made less than QUICK_S ago is done: more were made than are in flight."""
        return len(self._lately(survey.target, now)) > survey.bulk_in_flight

    def _lately(self, target: int, now: float) -> list[float]:
        return [at for at in self.made.get(target, []) if now - at < QUICK_S]


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
    survey: Survey, settings: RelaySettings, has_consumer: Callable[[Lane], bool], *, replay_first: bool, quick: bool
) -> Iterator[Wish]:
    """The claims to try for one target, in this order, until one that has to stay `alone` succeeds.

    `replay_first` turns at each bulk claim: a large fan-out and a replay of a million take turns. `quick`: claims
    of the bulk queue are done quickly.
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
    many = max(most, min(2 * most, MANY)) if quick and survey.batch is None else most
    wanted = [Wish(lane, many) for lane in bulk if survey.waiting(lane)]
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
