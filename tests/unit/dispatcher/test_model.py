"""The dispatcher against every order of events, duplicates, faults and crashes that Hypothesis thinks of.

However a history went, once the queue is empty the invariants hold.
"""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from estancia_functions.settling import Settler
from tests.unit.dispatcher.fakes import FakeLedger, FakeObjects
from tests.unit.dispatcher.world import KEY, Director, World


@settings(max_examples=400, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 30))
def test_however_it_went_the_invariants_hold_in_the_end(random: Random, steps: int) -> None:
    director = Director(random, World(FakeLedger(), FakeObjects()))
    for _ in range(steps):
        director.step()
    director.drain()
    world = director.world
    world.check()
    before = set(world.objects.visible), dict(world.ledger.work), len(world.objects.hidden)
    Settler(world.ledger, world.objects, world.clock).settle(KEY)
    assert before == (world.objects.visible, world.ledger.work, len(world.objects.hidden))
