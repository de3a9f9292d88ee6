"""The sweep: its four parts, one after another."""

from __future__ import annotations

from typing import Final

from estancia_functions.log import logger
from sweep.dead_letters import sweep_dead_letters
from sweep.originals import sweep_originals
from sweep.outputs import sweep_outputs
from sweep.run import Run
from sweep.stuck import sweep_stuck
from sweep.summary import Summary

PARTS: Final = (sweep_stuck, sweep_dead_letters, sweep_originals, sweep_outputs)


def sweep(run: Run) -> Summary:
    """Do all parts, each within its share of the time that is left.

    Args:
        run: the run.

    Returns:
        What was done. A part that fails leaves the others their turn and the run incomplete.
    """
    complete = True
    for number, part in enumerate(PARTS):
        try:
            complete &= part(run, run.share(len(PARTS) - number))
        except Exception:
            complete = False
            logger.exception("a part of the sweep failed", part=part.__name__)
    run.summary.complete = complete and not run.faults
    return run.summary
