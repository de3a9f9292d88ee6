"""Settle: which version of a key counts, and what follows for the outputs of all of them. Pure."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from estancia_protocol.rule import Rule
from estancia_protocol.sequencer import sequencer_order
from estancia_protocol.status import Status


@dataclass(frozen=True, slots=True)
class Version:
    """A work item as settle reads it.

    Attributes:
        version_id: the raw object's version, or a delete marker's.
        sequencer: its event's sequencer, None where no event was seen.
        status: None for an item that only records a removal.
        attempt: the attempt that finished it.
        removed: whether the version is gone for good.
        order: its place in ListObjectVersions, greater is newer; needed only where a sequencer is missing.
    """

    version_id: str
    sequencer: str | None
    status: Status | None
    attempt: int
    removed: bool
    order: int | None = None


@dataclass(frozen=True, slots=True)
class RecordedOutput:
    """An output item.

    Attributes:
        version_id: the raw version that it was made from.
        key: its processed key.
        attempt: the attempt that recorded it.
        retired: whether it was hidden.
    """

    version_id: str
    key: str
    attempt: int
    retired: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What settle has to do.

    Attributes:
        winner: the version that counts, None where none does.
        retire: outputs to hide.
        again: whether the winner's outputs were retired, so that it has to be processed again; not while a newer
            version is unfinished, whose outcome decides whether the winner still is one.
    """

    winner: Version | None
    retire: tuple[RecordedOutput, ...]
    again: bool


def newer(left: Version, right: Version) -> int:
    """Order two versions of a key, negative when `left` is older: by sequencer, else by the listing's order.

    Raises:
        ValueError: a sequencer is missing and the listing does not hold both.
    """
    if left.sequencer is not None and right.sequencer is not None:
        return sequencer_order(left.sequencer, right.sequencer)
    if left.order is None or right.order is None:
        raise ValueError(f"versions {left.version_id} and {right.version_id} have neither sequencers nor listing order")
    return left.order - right.order


def retire(attempt: int) -> Rule[RecordedOutput]:
    """`retired_at` on an output's item: recorded by the attempt that was read, and not retired yet."""
    return Rule(
        lambda output: output.attempt == attempt and not output.retired,
        "#attempt = :attempt AND attribute_not_exists(#retired_at)",
        {"attempt": attempt},
    )


def needs_listing(versions: Iterable[Version]) -> bool:
    """Whether a candidate's place among its rivals can only be told by ListObjectVersions."""
    candidates = [v for v in versions if _counts(v) or _unfinished(v)]
    return len(candidates) > 1 and any(v.sequencer is None for v in candidates)


def plan(versions: Sequence[Version], outputs: Sequence[RecordedOutput]) -> Plan:
    """Decide what has to follow for a key.

    Args:
        versions: all of the key's work items, read consistently.
        outputs: all recorded outputs of its final items.

    Returns:
        The winner, the outputs to retire and whether the winner has to be processed again.
        Settling twice changes nothing.

    Raises:
        ValueError: two candidates cannot be ordered; give `order` to each.
    """
    candidates = [v for v in versions if _counts(v)]
    winner = max(candidates, key=functools.cmp_to_key(newer), default=None)
    by_id = {v.version_id: v for v in versions}
    retire = [
        output
        for output in outputs
        if not output.retired
        and (item := by_id[output.version_id]).status is not None
        and item.status.final
        and (item != winner or output.attempt != item.attempt)
    ]
    again = (
        winner is not None
        and winner.status is Status.PROCESSED
        and any(o.retired for o in outputs if o.version_id == winner.version_id and o.attempt == winner.attempt)
        and not any(_unfinished(v) and newer(v, winner) > 0 for v in versions)
    )
    return Plan(winner, tuple(retire), again)


def _counts(version: Version) -> bool:
    return version.status in (Status.PROCESSED, Status.DELETED) and not version.removed


def _unfinished(version: Version) -> bool:
    return version.status in (Status.RECEIVED, Status.PROCESSING) and not version.removed
