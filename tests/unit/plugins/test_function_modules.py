"""The function and its mapping: code only where it differs, waiting only for what time mends."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import zip_code
from ansible.module_utils.plan import Plan

from plugins.modules import lambda_event_source_mapping as mapping
from plugins.modules import lambda_function_info
from plugins.modules import lambda_zip_function as function
from tests.unit.plugins.scripted import Scripted, refusal

TAGS = {"Name": "x"}

# Function


@pytest.fixture
def zip_file(tmp_path: Path) -> Path:
    path = tmp_path / "f.zip"
    path.write_bytes(b"code")
    return path


def function_params(path: Path, **change: Any) -> dict[str, Any]:
    base = {
        "name": "f",
        "state": "present",
        "zip_file": str(path),
        "architecture": "arm64",
        "settings": {"Timeout": 900, "VpcConfig": {"SubnetIds": ["b", "a"]}, "KMSKeyArn": "arn:k"},
        "reserved_concurrency": -1,
        "tags": TAGS,
    }
    return {**base, **change}


def live_function(**change: Any) -> Scripted:
    base = {
        "FunctionArn": "arn:f",
        "Timeout": 900,
        "VpcConfig": {"SubnetIds": ["a", "b"], "VpcId": "v"},
        "KMSKeyArn": "arn:k",
        "CodeSha256": base64.b64encode(hashlib.sha256(b"code").digest()).decode(),
        "Architectures": ["arm64"],
    }
    return Scripted(get_function_configuration={**base, **change}, list_tags={"Tags": TAGS})


def test_equal_code_is_not_uploaded(zip_file: Path) -> None:
    client, plan = live_function(), Plan(check_mode=False)
    function.ensure(plan, client, function_params(zip_file))
    assert (plan.changed, client.writes()) == (False, [])


def test_other_code_is_uploaded_and_waited_for(zip_file: Path) -> None:
    client = live_function(CodeSha256="other")
    function.ensure(Plan(check_mode=False), client, function_params(zip_file))
    assert client.writes() == ["update_function_code"]
    assert "function_updated_v2" in [name for name, _ in client.calls]


def test_a_function_is_made_active(zip_file: Path) -> None:
    client = Scripted(
        get_function_configuration=refusal("ResourceNotFoundException"), create_function={"FunctionArn": "arn:f"}
    )
    answer = function.ensure(Plan(check_mode=False), client, function_params(zip_file, reserved_concurrency=8))
    assert answer["function_arn"] == "arn:f"
    assert client.writes() == ["create_function", "put_function_concurrency"]


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (refusal("InvalidParameterValueException", "The role defined for the function cannot be assumed"), True),
        (refusal("InvalidParameterValueException", "Unzipped size must be smaller"), False),
        (refusal("ResourceConflictException"), True),
        (refusal("AccessDeniedException"), False),
    ],
)
def test_only_what_time_mends_is_waited_for(error: Any, waits: bool) -> None:
    assert function.not_yet(error) is waits


def test_a_zip_that_is_missing_or_too_large_is_named(zip_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="Build it first"):
        zip_code.read_zip(str(zip_file.with_name("none.zip")))
    monkeypatch.setattr(zip_code, "ZIP_LIMIT_BYTES", 4)
    with pytest.raises(ValueError, match="takes less than 4"):
        zip_code.read_zip(str(zip_file))


# Event source mapping


def mapping_params(**change: Any) -> dict[str, Any]:
    base = {
        "function_name": "f",
        "event_source_arn": "arn:q",
        "state": "present",
        "settings": {"BatchSize": 1, "ScalingConfig": {"MaximumConcurrency": 4}},
        "enabled": True,
        "tags": {},
    }
    return {**base, **change}


def live_mapping(**change: Any) -> dict[str, Any]:
    live = {"UUID": "u", "State": "Enabled", "BatchSize": 1, "ScalingConfig": {"MaximumConcurrency": 4}}
    return {"EventSourceMappings": [{**live, **change}]}


NO_MAPPING: dict[str, Any] = {"EventSourceMappings": []}


def test_a_mapping_that_is_right_is_left_alone() -> None:
    client, plan = Scripted(list_event_source_mappings=live_mapping()), Plan(check_mode=False)
    assert mapping.ensure(plan, client, mapping_params()) == {"uuid": "u"}
    assert (plan.changed, client.writes()) == (False, [])


def test_a_mapping_follows_the_fleets_slots() -> None:
    client = Scripted(list_event_source_mappings=live_mapping(ScalingConfig={"MaximumConcurrency": 2}))
    mapping.ensure(Plan(check_mode=False), client, mapping_params())
    assert client.sent("update_event_source_mapping")["ScalingConfig"] == {"MaximumConcurrency": 4}


def test_a_mapping_that_is_being_deleted_is_made_anew() -> None:
    client = Scripted(
        list_event_source_mappings=[live_mapping(State="Deleting"), NO_MAPPING, live_mapping()],
        create_event_source_mapping={"UUID": "new"},
    )
    assert mapping.ensure(Plan(check_mode=False), client, mapping_params()) == {"uuid": "new"}


def test_a_mapping_is_deleted_once() -> None:
    client = Scripted(list_event_source_mappings=[live_mapping(), NO_MAPPING])
    mapping.ensure(Plan(check_mode=False), client, mapping_params(state="absent"))
    mapping.ensure(Plan(check_mode=False), client, mapping_params(state="absent"))
    assert client.writes() == ["delete_event_source_mapping"]


def test_a_missing_function_has_no_mappings() -> None:
    client = Scripted(get_function_configuration=refusal("ResourceNotFoundException"))
    assert lambda_function_info.read(client, "f") == {"function_arn": "", "zip_sha256": "", "mappings": []}
