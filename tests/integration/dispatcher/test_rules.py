"""Each rule said twice is one rule: DynamoDB's verdict on its condition is the predicate's, over many items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estancia_processor.attributes import pack
from estancia_protocol import attempt, settle
from estancia_protocol.attempt import Attempted
from estancia_protocol.job import timestamp
from estancia_protocol.rule import Rule
from estancia_protocol.settle import RecordedOutput
from estancia_protocol.status import Status
from tests.integration.dispatcher.conftest import Aws
from tests.unit.protocol.attempted import ATTEMPT, ITEMS, LEASE_ID, NOON, RULES, after_noon

BATCH = 25
OUTPUTS = st.none() | st.builds(
    RecordedOutput, st.just("v"), st.just("k"), st.integers(ATTEMPT - 1, ATTEMPT + 1), st.booleans()
)
EACH_STATUS = [
    Attempted(status, number, ATTEMPT, LEASE_ID, until)
    for until in (None, after_noon(-10), after_noon(-9.999999))
    for status in [None, *Status]
    for number in (ATTEMPT - 1, ATTEMPT)
]
Attributes = Mapping[str, Any]


def attributes_of(item: Attempted) -> Attributes:
    """Return an item as the ledger holds it."""
    known = {
        "status": item.status and item.status.value,
        "attempt": item.attempt if item.status else None,
        "attempt_limit": item.attempt_limit if item.status else None,
        "lease_id": item.lease_id,
        "lease_until": item.lease_until and timestamp(item.lease_until),
        "removed_at": timestamp(NOON) if item.removed else None,
        "dlq_sent_at": timestamp(NOON) if item.dead_lettered else None,
    }
    return {name: value for name, value in known.items() if value is not None}


def output_attributes(output: RecordedOutput | None) -> Attributes | None:
    if output is None:
        return None
    return {"attempt": output.attempt} | ({"retired_at": timestamp(NOON)} if output.retired else {})


def judged(aws: Aws, rule: Rule[Any], items: Sequence[Attributes | None]) -> list[bool]:
    """Write the items, None standing for no item, and try an update of each under the rule's condition."""
    keys = [{"pk": "rule", "sk": f"{number:03d}"} for number in range(len(items))]
    puts = [
        {"DeleteRequest": {"Key": pack(key)}} if item is None else {"PutRequest": {"Item": pack({**key, **item})}}
        for key, item in zip(keys, items, strict=True)
    ]
    requests: Any = {aws.table: puts}
    assert not aws.dynamodb.batch_write_item(RequestItems=requests)["UnprocessedItems"]
    return [_updated(aws, rule, pack(key)) for key in keys]


def _updated(aws: Aws, rule: Rule[Any], key: dict[str, Any]) -> bool:
    try:
        aws.dynamodb.update_item(
            TableName=aws.table,
            Key=key,
            UpdateExpression="SET allowed = :yes",
            ConditionExpression=rule.condition,
            ExpressionAttributeNames=rule.names,
            ExpressionAttributeValues=pack(rule.placed | {":yes": 1}),
        )
    except aws.dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True


@pytest.mark.parametrize("name", RULES)
def test_dynamodb_judges_an_item_as_the_rule_does(aws: Aws, name: str) -> None:
    def agree(items: list[Attempted]) -> set[bool]:
        allowed = [RULES[name].allows(item) for item in items]
        assert judged(aws, RULES[name], [attributes_of(item) for item in items]) == allowed
        return set(allowed)

    @settings(max_examples=8, deadline=None)
    @given(st.lists(ITEMS, min_size=BATCH, max_size=BATCH))
    def always(items: list[Attempted]) -> None:
        agree(items)

    always()
    assert agree(EACH_STATUS[:BATCH]) | agree(EACH_STATUS[BATCH:]) == {True, False}


@pytest.mark.parametrize(
    ("rule", "fact"),
    [
        (attempt.record_output(ATTEMPT), "attempt"),
        (attempt.complete_output(ATTEMPT), "attempt"),
        (settle.retire(ATTEMPT), "output"),
    ],
    ids=["record", "complete", "retire"],
)
def test_dynamodb_judges_an_output_as_the_rule_does(aws: Aws, rule: Rule[Any], fact: str) -> None:
    @settings(max_examples=4, deadline=None)
    @given(st.lists(OUTPUTS, min_size=BATCH, max_size=BATCH))
    def agree(outputs: list[RecordedOutput | None]) -> None:
        shown = outputs if fact == "output" else [output and output.attempt for output in outputs]
        allowed = [rule.allows(each) if each is not None or fact == "attempt" else False for each in shown]
        assert judged(aws, rule, [output_attributes(output) for output in outputs]) == allowed

    agree()
