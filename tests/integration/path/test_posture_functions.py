"""What the functions are, what starts them, and that nobody else may: read back whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.path.account import Account, words

pytestmark = pytest.mark.without_invariants("nothing is processed")

ACCOUNT = "000000000000"
QUEUES = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:estancia-local-"
KEYS = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/"
FUNCTIONS = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:estancia-local-"
RULE = f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/estancia-local-sweep"

SHARED = (
    "ESTANCIA_RAW_BUCKET ESTANCIA_PROCESSED_BUCKET ESTANCIA_LEDGER_TABLE ESTANCIA_QUEUE_URL"
    " ESTANCIA_DEAD_LETTER_QUEUE_URL POWERTOOLS_SERVICE_NAME POWERTOOLS_LOG_LEVEL"
)
ENVIRONMENT = {
    "dispatcher": words(f"{SHARED} ESTANCIA_PROCESSOR_URL ESTANCIA_PROCESSOR_CERTIFICATE_PARAMETER ESTANCIA_MAX_BYTES"),
    "sweep": words(SHARED),
}


def configuration(name: str) -> dict[str, Any]:
    """What both functions are."""
    return {
        "FunctionName": f"estancia-local-{name}",
        "FunctionArn": FUNCTIONS + name,
        "Version": "$LATEST",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/estancia-local-{name}",
        "PackageType": "Zip",
        "Runtime": "python3.13",
        "Architectures": ["arm64"],
        "Handler": f"{name}.handler.handler",
        "Layers": [],
        "MemorySize": 512,
        "EphemeralStorage": {"Size": 512},
        "KMSKeyArn": f"{KEYS}data",
        "LoggingConfig": {
            "LogFormat": "JSON",
            "ApplicationLogLevel": "INFO",
            "LogGroup": f"/aws/lambda/estancia-local-{name}",
        },
        "TracingConfig": {"Mode": "PassThrough"},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "RuntimeVersionConfig": {"RuntimeVersionArn": ""},
    }


CONFIGURATION: dict[str, dict[str, Any]] = {
    "dispatcher": configuration("dispatcher")
    | {
        "Description": "Hands every queued file to a processor and settles what becomes of it",
        "Timeout": 900,
        "VpcConfig": {
            "VpcId": "vpc",
            "SubnetIds": ["private-eu-west-1a", "private-eu-west-1b"],
            "SecurityGroupIds": ["dispatcher"],
        },
    },
    "sweep": configuration("sweep")
    | {"Description": "Sends again what got stuck, and shows what counts", "Timeout": 600, "VpcConfig": {}},
}
MAPPING: dict[str, Any] = {
    "EventSourceArn": f"{QUEUES}ingest",
    "FunctionArn": f"{FUNCTIONS}dispatcher",
    "State": "Enabled",
    "BatchSize": 1,
    "MaximumBatchingWindowInSeconds": 0,
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
    "ScalingConfig": {"MaximumConcurrency": 4},
}
# function: Sid: effect, principal, actions, resources, condition
RESOURCE_POLICIES: dict[str, dict[str, Any]] = {
    "dispatcher": {},
    "sweep": {
        "schedule": (
            "Allow", {"Service": "events.amazonaws.com"}, words("lambda:InvokeFunction"), words(f"{FUNCTIONS}sweep"),
            {"ArnLike": {"AWS:SourceArn": RULE}},
        ),
    },
}  # fmt: skip
ONCE = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 900}
# What differs between two deployments of the same.
STATES = words(
    "CodeSize CodeSha256 Environment LastModified RevisionId State StateReason StateReasonCode"
    " LastUpdateStatus LastUpdateStatusReason LastUpdateStatusReasonCode"
)
MOMENTS = {"UUID", "EventSourceMappingArn", "LastModified", "LastProcessingResult", "StateTransitionReason"}


def test_the_functions(account: Account) -> None:
    found = account.readable(account.client("lambda").list_functions()["Functions"])
    functions = {function["FunctionName"].rpartition("-")[2]: function for function in found}
    assert {name: set(function["Environment"]["Variables"]) for name, function in functions.items()} == ENVIRONMENT
    for function in functions.values():
        function["VpcConfig"] = {key: value for key, value in (function.get("VpcConfig") or {}).items() if value}
    assert {
        name: {key: value for key, value in function.items() if key not in STATES}
        for name, function in functions.items()
    } == CONFIGURATION


def test_the_mapping_is_the_only_one(account: Account) -> None:
    (mapping,) = account.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert {key: value for key, value in mapping.items() if key not in MOMENTS} == MAPPING


def test_the_rule_is_the_only_one_and_starts_the_sweep(account: Account) -> None:
    events = account.client("events")
    assert [bus["Name"] for bus in events.list_event_buses()["EventBuses"]] == ["default"]
    (rule,) = events.list_rules()["Rules"]
    assert rule == {
        "Name": "estancia-local-sweep",
        "Arn": RULE,
        "EventBusName": "default",
        "State": "ENABLED",
        "ScheduleExpression": "rate(15 minutes)",
        "Description": "Starts the sweep",
    }
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert target == {"Id": "function", "Arn": f"{FUNCTIONS}sweep", "RetryPolicy": ONCE}


def test_what_fails_is_not_started_again(account: Account) -> None:
    found = account.client("lambda").get_function_event_invoke_config(FunctionName="estancia-local-sweep")
    assert {key: found[key] for key in ONCE} == ONCE
    assert {kind: target for kind, target in found["DestinationConfig"].items() if target} == {}


@pytest.mark.parametrize("name", RESOURCE_POLICIES)
def test_nobody_else_invokes_a_function(account: Account, name: str) -> None:
    functions, function = account.client("lambda"), f"estancia-local-{name}"
    assert functions.list_function_url_configs(FunctionName=function)["FunctionUrlConfigs"] == []
    assert functions.list_aliases(FunctionName=function)["Aliases"] == []
    document = resource_policy(functions, function)
    assert (account.policy(document) if document["Statement"] else {}) == RESOURCE_POLICIES[name]


def resource_policy(functions: Any, name: str) -> dict[str, Any]:
    """Return the function's own policy without its id; AWS has one only if something was added to it."""
    try:
        policy = json.loads(functions.get_policy(FunctionName=name)["Policy"])
    except functions.exceptions.ResourceNotFoundException:
        return {"Statement": []}
    return {key: value for key, value in policy.items() if key != "Id"}
