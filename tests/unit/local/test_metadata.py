import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from local.metadata import Credentials, Instance, MetadataService, RenewedCredentials, instance_id

ADDRESS = "127.0.4.10"
INSTANCE = Instance(
    address=ADDRESS,
    region="eu-west-1",
    account_id="000000000000",
    profile_arn="arn:aws:iam::000000000000:instance-profile/p",
    profile_id="AIPA1",
    role_name="role",
)


class Assumed:
    """Hands out numbered credentials of a given life."""

    def __init__(self, life: timedelta) -> None:
        self.life = life
        self.count = 0

    def __call__(self) -> Credentials:
        self.count += 1
        now = datetime.now(UTC)
        return Credentials(f"ASIA{self.count}", "secret", "token", now + self.life, now)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def service(life: timedelta = timedelta(hours=1)) -> tuple[MetadataService, Clock, Assumed]:
    clock, assumed = Clock(), Assumed(life)
    return MetadataService(INSTANCE, RenewedCredentials(assumed), clock), clock, assumed


def test_an_instance_id_has_the_form_of_ec2_and_belongs_to_the_address() -> None:
    assert re.fullmatch(r"i-0[0-9a-f]{16}", instance_id(ADDRESS))
    assert instance_id(ADDRESS) == INSTANCE.instance_id != instance_id("127.0.4.11")


@pytest.mark.parametrize("ttl", [None, "0", "21601", "ten", "-1"])
def test_a_token_needs_a_time_to_live(ttl: str | None) -> None:
    assert service()[0].put_token(ttl, False)[0] == 400


def test_a_token_is_not_given_through_a_proxy() -> None:
    assert service()[0].put_token("60", True)[0] == 403


def test_metadata_is_given_while_the_token_holds() -> None:
    found, clock, _ = service()
    path = "/latest/meta-data/instance-id"
    assert found.get(path, None)[0] == 401
    assert found.get(path, "guess")[0] == 401
    token = found.put_token("60", False)[1]
    assert found.get(path, token) == (200, INSTANCE.instance_id)
    clock.now += 61
    assert found.get(path, token)[0] == 401


def test_what_an_sdk_asks_is_answered() -> None:
    found, _, _ = service()
    token = found.put_token("60", False)[1]

    def get(path: str) -> str:
        status, text = found.get(f"/latest/{path}", token)
        assert status == 200, path
        return text

    assert get("meta-data/placement/region") == "eu-west-1"
    assert get("meta-data/placement/availability-zone") in ("eu-west-1a", "eu-west-1b")
    assert get("meta-data/placement/") == "availability-zone\nregion"
    assert get("meta-data/iam/") == "info\nsecurity-credentials/"
    assert json.loads(get("meta-data/iam/info"))["InstanceProfileArn"] == INSTANCE.profile_arn
    assert json.loads(get("dynamic/instance-identity/document"))["instanceId"] == INSTANCE.instance_id
    assert get("meta-data/iam/security-credentials/") == "role"
    document = json.loads(get("meta-data/iam/security-credentials/role"))
    assert document.keys() == {
        "Code", "LastUpdated", "Type", "AccessKeyId", "SecretAccessKey", "Token", "Expiration",
    }  # fmt: skip
    assert document["Code"] == "Success"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["Expiration"])
    assert found.get("/latest/meta-data/nothing", token)[0] == 404
    assert found.get("/latest/meta-data/iam/security-credentials/other", token)[0] == 404


def test_credentials_are_kept_until_half_an_hour_before_their_end() -> None:
    lasting = RenewedCredentials(Assumed(timedelta(minutes=31)))
    assert lasting.current().access_key_id == lasting.current().access_key_id == "ASIA1"
    ending = RenewedCredentials(Assumed(timedelta(minutes=29)))
    assert [ending.current().access_key_id for _ in range(2)] == ["ASIA1", "ASIA2"]
