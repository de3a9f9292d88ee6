"""Load balancer, targets, name and certificate: no listener without encryption, the same ARN for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible.module_utils.plan import Plan

from plugins.modules import acm_imported_certificate as certificate
from plugins.modules import elb_instance_target_group as targets
from plugins.modules import elb_internal_load_balancer as balancer
from plugins.modules import load_balanced_fleet_info
from plugins.modules import route53_alias_record as record
from tests.unit.plugins.scripted import Scripted, refusal

TAGS = {"Name": "x"}
TAG_SET = [{"Key": "Name", "Value": "x"}]
DESCRIBED_TAGS = {"TagDescriptions": [{"Tags": TAG_SET}]}

# Target group and load balancer


def target_params(**change: Any) -> dict[str, Any]:
    base = {
        "name": "t",
        "state": "present",
        "vpc_id": "vpc-1",
        "port": 8080,
        "health_check": {"HealthCheckPath": "/healthz"},
        "attributes": {"deregistration_delay.timeout_seconds": 960},
        "tags": TAGS,
    }
    return {**base, **change}


def live_targets(delay: str = "960") -> Scripted:
    live = {"TargetGroupArn": "arn:t", "Port": 8080, "VpcId": "vpc-1", "HealthCheckPath": "/healthz"}
    return Scripted(
        describe_target_groups={"TargetGroups": [live]},
        describe_tags=DESCRIBED_TAGS,
        describe_target_group_attributes={
            "Attributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": delay}, {"Key": "x", "Value": "y"}]
        },
    )


def test_a_target_group_that_is_right_is_left_alone() -> None:
    elb, plan = live_targets(), Plan(check_mode=False)
    assert targets.ensure(plan, elb, target_params()) == {"target_group_arn": "arn:t"}
    assert (plan.changed, elb.writes()) == (False, [])


def test_an_attribute_that_differs_is_set() -> None:
    elb = live_targets(delay="300")
    targets.ensure(Plan(check_mode=False), elb, target_params())
    assert elb.writes() == ["modify_target_group_attributes"]


def test_a_target_group_of_another_port_is_an_error() -> None:
    with pytest.raises(ValueError, match="cannot change that in place"):
        targets.ensure(Plan(check_mode=False), live_targets(), target_params(port=80))


def balancer_params(**change: Any) -> dict[str, Any]:
    base = {
        "name": "b",
        "state": "present",
        "subnets": ["s-1", "s-2"],
        "security_groups": ["sg-1"],
        "attributes": {"deletion_protection.enabled": "true"},
        "certificate_arn": "arn:c",
        "ssl_policy": "P",
        "target_group_arn": "arn:t",
        "tags": TAGS,
    }
    return {**base, **change}


def live_balancer(*listeners: dict[str, Any]) -> Scripted:
    live = {
        "LoadBalancerArn": "arn:b",
        "LoadBalancerName": "b",
        "DNSName": "b.elb",
        "CanonicalHostedZoneId": "Z",
        "State": {"Code": "active"},
        "SecurityGroups": ["sg-1"],
        "AvailabilityZones": [{"SubnetId": "s-2"}, {"SubnetId": "s-1"}],
    }
    return Scripted(
        describe_load_balancers={"LoadBalancers": [live]},
        describe_tags=DESCRIBED_TAGS,
        describe_load_balancer_attributes={"Attributes": [{"Key": "deletion_protection.enabled", "Value": "true"}]},
        describe_listeners={"Listeners": list(listeners)},
    )


LISTENER = {
    "ListenerArn": "arn:l",
    "Port": 443,
    "Protocol": "HTTPS",
    "SslPolicy": "P",
    "Certificates": [{"CertificateArn": "arn:c"}],
    "DefaultActions": [{"Type": "forward", "TargetGroupArn": "arn:t", "ForwardConfig": {}}],
}


def test_a_load_balancer_that_is_right_is_left_alone() -> None:
    elb, plan = live_balancer(LISTENER), Plan(check_mode=False)
    answer = balancer.ensure(plan, elb, balancer_params())
    assert answer == {"arn": "arn:b", "dns_name": "b.elb", "hosted_zone_id": "Z"}
    assert (plan.changed, elb.writes()) == (False, [])


def test_a_listener_without_encryption_does_not_stay() -> None:
    elb = live_balancer({**LISTENER, "Port": 80, "Protocol": "HTTP"})
    balancer.ensure(Plan(check_mode=False), elb, balancer_params())
    assert elb.writes() == ["delete_listener", "create_listener"]


def test_deleting_takes_the_protection_away_first() -> None:
    elb = live_balancer()
    elb.script["describe_load_balancers"] = [elb.script["describe_load_balancers"], refusal("LoadBalancerNotFound")]
    balancer.ensure(Plan(check_mode=False), elb, balancer_params(state="absent"))
    assert elb.writes() == ["modify_load_balancer_attributes", "delete_load_balancer"]


def test_an_alias_leads_to_the_load_balancer_and_goes_without_knowing_it() -> None:
    params = {"hosted_zone_id": "Z", "name": "p.x", "state": "present", "target_name": "B.elb", "target_zone_id": "Y"}
    route53 = Scripted(list_resource_record_sets={"ResourceRecordSets": []})
    record.ensure(Plan(check_mode=False), route53, params)
    (made,) = route53.sent("change_resource_record_sets")["ChangeBatch"]["Changes"]
    assert made["Action"] == "UPSERT"
    again, plan = Scripted(list_resource_record_sets={"ResourceRecordSets": [made["ResourceRecordSet"]]}), Plan(False)
    record.ensure(plan, again, params)
    assert not plan.changed
    record.ensure(plan, again, {**params, "state": "absent", "target_name": None})
    assert again.sent("change_resource_record_sets")["ChangeBatch"]["Changes"][0]["Action"] == "DELETE"


# Certificate


def test_a_new_certificate_goes_onto_the_arn_that_listeners_have() -> None:
    acm = Scripted(
        describe_certificate={"Certificate": {}},
        get_certificate={"Certificate": "old\n"},
        list_tags_for_certificate={"Tags": TAG_SET},
    )
    params = {"certificate_arn": "arn:c", "state": "present", "certificate": "new", "private_key": "k", "tags": TAGS}
    assert certificate.ensure(Plan(check_mode=False), acm, params) == {"arn": "arn:c"}
    assert acm.sent("import_certificate")["CertificateArn"] == "arn:c"
    first = Scripted(import_certificate={"CertificateArn": "arn:new"})
    assert certificate.ensure(Plan(check_mode=False), first, {**params, "certificate_arn": ""}) == {"arn": "arn:new"}
    assert first.sent("import_certificate")["Tags"] == TAG_SET


def test_the_certificate_is_found_by_its_tag_and_its_days_are_counted() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    acm = Scripted(
        list_certificates={"CertificateSummaryList": [{"CertificateArn": "a"}, {"CertificateArn": "b"}]},
        list_tags_for_certificate=[{"Tags": TAG_SET}, {"Tags": []}],
        describe_certificate={
            "Certificate": {"CertificateArn": "a", "Type": "IMPORTED", "NotAfter": now + timedelta(days=29, hours=23)}
        },
        get_certificate={"Certificate": "PEM"},
    )
    assert load_balanced_fleet_info.certificate(acm, "x", now) == {"arn": "a", "pem": "PEM", "days_left": 29}
