"""The processed bucket against the ledger: what shows is what is recorded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

from estancia_functions.listing import Entry
from estancia_functions.log import logger
from sweep.originals import note_removals
from sweep.rules import Output, Repair, repair, suspicious
from sweep.run import Run

PART: Final = "outputs"
_REPORTS: Final = "reports/"


def sweep_outputs(run: Run, until: dt.datetime) -> bool:
    """Hold every processed key against its output item, and put right what differs.

    Args:
        run: the run.
        until: when to stop.

    Returns:
        Whether the listing's end was reached.
    """

    def look_at_all(keys: Sequence[list[Entry]]) -> None:
        listed = {entries[0].key: entries for entries in keys}
        found = run.ledger.recorded([(work_of(key), key) for key in listed])
        known = {key for _, key in found}
        for key, entries in listed.items():
            if key not in known and not entries[0].marker:
                logger.warning("an object without an output item is left alone", output_key=key)
        missed = {output.raw_key for output in found.values() if _is_chosen(run, output)}
        doubtful: dict[str, list[Output]] = {}
        for output in found.values():
            if output.raw_key and (output.raw_key in missed or suspicious(output, listed[output.key])):
                doubtful.setdefault(output.raw_key, []).append(output)

        def put_right(raw_key: str) -> None:
            if raw_key in missed:
                note_removals(run, raw_key, run.ledger.items(raw_key))
            _put_right(run, raw_key, doubtful[raw_key], listed)

        run.each(run.guarded(put_right), doubtful)

    return run.walk(PART, run.objects.outputs, until, look_at_all)


def work_of(key: str) -> str:
    """Return the work id that a processed key ends with."""
    return key.rpartition("/")[2].partition(".")[0]


def _is_chosen(run: Run, output: Output) -> bool:
    """Whether an output's original is looked for: one of which nothing is left is in no listing of originals."""
    return output.key.startswith(_REPORTS) and not output.retired and run.dice() * run.one_in < 1


def _put_right(run: Run, raw_key: str, doubtful: Sequence[Output], listed: Mapping[str, Sequence[Entry]]) -> None:
    """Make keys of one original show what they should, if they still differ.

    After settling, the output items and then all items of the original are read consistently, both after the listing:
    - A version newer than the recorded one is of an attempt that is over for good: every attempt up to the item's has
      ended, and a later one would show in the item. Removed by its id, whatever happens meanwhile, nothing else goes.
    - A delete marker on the winner's output was put for an earlier state of the key. Should its author still note it as
      hidden, settling has it made again.
    - A delete marker put on what is retired could hide only what a new attempt put in the moment since the reading; the
      next sweep would find it under a late marker.
    """
    run.settle(raw_key)
    outputs = [run.ledger.output(seen.work, seen.key) for seen in doubtful]
    items = run.ledger.items(raw_key)
    by_version = {item.version_id: item for item in items}
    winner = run.settler.winner(raw_key, items)
    for seen, output in zip(doubtful, outputs, strict=True):
        item = by_version.get(output.raw_version_id or "") if output else None
        # What was retired since the first reading was hidden before that, after the listing.
        if output and item and output.retired == seen.retired:
            _carry_out(run, output.key, repair(output, item, winner, listed[output.key]))


def _carry_out(run: Run, key: str, todo: Repair) -> None:
    for name, version_ids in (("versions_removed", todo.remove), ("shown", todo.unhide)):
        for version_id in version_ids:
            run.objects.remove_version(key, version_id)
            run.summary.count(name)
            logger.warning("version removed from an output", output_key=key, of_version=version_id, why=name)
    if todo.hide:
        run.objects.hide(key)
        run.summary.count("hidden")
        logger.warning("output hidden again", output_key=key)
