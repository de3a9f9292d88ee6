"""What the deployed load balancer and launch template are, read back whole: nothing may be added unseen."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.integration.path.account import Account

pytestmark = pytest.mark.without_invariants("nothing is processed")

DATA_KEY = "arn:aws:kms:eu-west-1:000000000000:key/data"
LOAD_BALANCER_ATTRIBUTES = {
    "access_logs.s3.enabled": "true",
    "access_logs.s3.bucket": "estancia-local-000000000000-eu-west-1-logs",
    "access_logs.s3.prefix": "elb",
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.enabled": "false",
    "connection_logs.s3.bucket": "",
    "connection_logs.s3.prefix": "",
    "deletion_protection.enabled": "true",
    "idle_timeout.timeout_seconds": "60",
    "load_balancing.cross_zone.enabled": "true",
    "routing.http.desync_mitigation_mode": "strictest",
    "routing.http.drop_invalid_header_fields.enabled": "true",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}
TARGET_GROUP = {
    "TargetGroupName": "estancia-local-fleet",
    "TargetType": "instance",
    "Protocol": "HTTP",
    "Port": 8080,
    "VpcId": "vpc",
    "HealthCheckEnabled": True,
    "HealthCheckProtocol": "HTTP",
    "HealthCheckPort": "traffic-port",
    "HealthCheckPath": "/healthz",
    "HealthCheckIntervalSeconds": 10,
    "HealthCheckTimeoutSeconds": 5,
    "HealthyThresholdCount": 2,
    "UnhealthyThresholdCount": 3,
    "Matcher": {"HttpCode": "200"},
    "TargetGroupArn": "target group",
    "LoadBalancerArns": ["load balancer"],
}
TARGET_GROUP_ATTRIBUTES = {
    "deregistration_delay.timeout_seconds": "960",
    "load_balancing.algorithm.type": "least_outstanding_requests",
    "stickiness.enabled": "false",
    "stickiness.type": "lb_cookie",
}
TAGS = [
    {"Key": "CostCenter", "Value": "none"},
    {"Key": "Environment", "Value": "local"},
    {"Key": "ManagedBy", "Value": "ansible"},
    {"Key": "Name", "Value": "estancia-local-processor"},
    {"Key": "Project", "Value": "estancia"},
]
VOLUME = {"Encrypted": True, "KmsKeyId": DATA_KEY, "DeleteOnTermination": True, "VolumeType": "gp3"}
LAUNCH_TEMPLATE = {
    "InstanceType": "m7g.large",
    "EbsOptimized": True,
    "IamInstanceProfile": {"Arn": "arn:aws:iam::000000000000:instance-profile/estancia-local-processor"},
    "MetadataOptions": {
        "State": "applied",
        "HttpEndpoint": "enabled",
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 1,
    },
    "Monitoring": {"Enabled": True},
    "NetworkInterfaces": [
        {"DeviceIndex": 0, "AssociatePublicIpAddress": False, "DeleteOnTermination": True, "Groups": ["processor"]},
    ],
    "BlockDeviceMappings": [
        {"DeviceName": "/dev/xvda", "Ebs": {**VOLUME, "VolumeSize": 16}},
        {"DeviceName": "/dev/sdf", "Ebs": {**VOLUME, "VolumeSize": 100, "Iops": 3000, "Throughput": 250}},
    ],
    "TagSpecifications": [
        {"ResourceType": "instance", "Tags": TAGS},
        {"ResourceType": "volume", "Tags": TAGS},
        {"ResourceType": "network-interface", "Tags": TAGS},
    ],
}
USER_DATA = """#cloud-config
write_files:
  - path: /etc/estancia/deployment
    permissions: "0644"
    content: |
      ESTANCIA_NAME=estancia-local
      AWS_REGION=eu-west-1
"""


def pairs(attributes: list[Any]) -> dict[str, str]:
    return {attribute["Key"]: attribute["Value"] for attribute in attributes}


def test_the_load_balancer_is_internal(account: Account) -> None:
    elb = account.client("elbv2")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    found = account.readable(balancer)
    assert (found["LoadBalancerName"], found["Type"]) == ("estancia-local", "application")
    assert (found["Scheme"], found["IpAddressType"]) == ("internal", "ipv4")
    assert found["SecurityGroups"] == ["load-balancer"]
    assert {zone["SubnetId"] for zone in found["AvailabilityZones"]} == {"private-eu-west-1a", "private-eu-west-1b"}
    attributes = elb.describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])["Attributes"]
    assert pairs(attributes) == LOAD_BALANCER_ATTRIBUTES


def test_the_target_group(account: Account) -> None:
    elb = account.client("elbv2")
    (targets,) = elb.describe_target_groups()["TargetGroups"]
    assert account.readable(targets) == TARGET_GROUP
    attributes = elb.describe_target_group_attributes(TargetGroupArn=targets["TargetGroupArn"])["Attributes"]
    assert pairs(attributes) == TARGET_GROUP_ATTRIBUTES


def test_the_only_listener_speaks_tls(account: Account) -> None:
    elb = account.client("elbv2")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    (listener,) = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    arn = listener.pop("ListenerArn")
    assert account.readable(listener) == {
        "LoadBalancerArn": "load balancer",
        "Port": 443,
        "Protocol": "HTTPS",
        "SslPolicy": "ELBSecurityPolicy-TLS13-1-3-2021-06",
        "Certificates": [{"CertificateArn": "certificate"}],
        "DefaultActions": [{"Type": "forward", "TargetGroupArn": "target group", "Order": 1}],
    }
    assert [rule["IsDefault"] for rule in elb.describe_rules(ListenerArn=arn)["Rules"]] == [True]


def test_the_dispatcher_trusts_the_listeners_certificate(account: Account) -> None:
    acm, ssm = account.client("acm"), account.client("ssm")
    (certificate,) = acm.list_certificates()["CertificateSummaryList"]
    shown = acm.get_certificate(CertificateArn=certificate["CertificateArn"])["Certificate"]
    trusted = ssm.get_parameter(Name="/estancia-local/processor/certificate")["Parameter"]["Value"]
    assert trusted.strip() == shown.strip()


@pytest.mark.parametrize("version", ["$Default", "$Latest"])
def test_the_launch_template(account: Account, version: str) -> None:
    ec2 = account.client("ec2")
    (template,) = ec2.describe_launch_template_versions(
        LaunchTemplateName="estancia-local-processor", Versions=[version]
    )["LaunchTemplateVersions"]
    data = account.readable(template["LaunchTemplateData"])
    assert base64.b64decode(data.pop("UserData")).decode() == USER_DATA
    assert data == LAUNCH_TEMPLATE
