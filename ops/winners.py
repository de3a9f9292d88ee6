"""Which version of each key counts, by the same rule as settle. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from estancia_functions.settling import ordered
from estancia_protocol.settle import Plan, RecordedOutput, needs_listing, plan
from estancia_protocol.status import Status
from ops.account import Listed, Output, Work


@dataclass(frozen=True, slots=True)
class Key:
    """A raw key's items and what settle has to say of them.

    Attributes:
        works: its work items by version id.
        plan: what settle would do now: nothing, where it was done.
        outputs: the outputs that the winner's last attempt recorded.
    """

    works: Mapping[str, Work]
    plan: Plan
    outputs: tuple[Output, ...]

    @property
    def winner(self) -> Work | None:
        """The version that counts, a delete marker too."""
        return self.works[self.plan.winner.version_id] if self.plan.winner else None

    @property
    def processed(self) -> Work | None:
        """The version whose outputs have to show."""
        winner = self.winner
        return winner if winner and winner.item.status is Status.PROCESSED else None


def keys_of(works: Sequence[Work], outputs: Sequence[Output], raw: Sequence[Listed]) -> dict[str, Key]:
    """Say of every key which version counts.

    Args:
        works: all work items.
        outputs: all output items.
        raw: the raw bucket's versions, of each key the newest first; they order versions without a sequencer.

    Returns:
        The keys of all work items.
    """
    listing: dict[str, list[str]] = defaultdict(list)
    for entry in raw:
        listing[entry.key].append(entry.version_id)
    made: dict[str, list[Output]] = defaultdict(list)
    for output in outputs:
        made[output.work].append(output)
    by_key: dict[str, list[Work]] = defaultdict(list)
    for work in works:
        by_key[work.item.key].append(work)
    return {key: _key(found, made, listing[key]) for key, found in by_key.items()}


def _key(works: Sequence[Work], made: Mapping[str, list[Output]], listing: Sequence[str]) -> Key:
    versions = [work.item.as_version() for work in works]
    if needs_listing(versions):
        versions = ordered(versions, listing)
    recorded = [
        RecordedOutput(work.item.version_id, output.key, output.attempt, output.retired)
        for work in works
        if work.item.final
        for output in made.get(work.item.work, ())
    ]
    todo = plan(versions, recorded)
    by_version = {work.item.version_id: work for work in works}
    winner = by_version[todo.winner.version_id] if todo.winner else None
    own = made.get(winner.item.work, ()) if winner else ()
    return Key(by_version, todo, tuple(output for output in own if winner and output.attempt == winner.item.attempt))
