"""Launch templates: kept as they were given with our corrections, and still shortened without."""

import uuid
from typing import Any

from tests.integration.local.support import Clients

KEY = "arn:aws:kms:eu-west-1:000000000000:key/0"
DATA: Any = {
    "ImageId": "ami-00000000000000001",
    "BlockDeviceMappings": [
        {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8, "Encrypted": True, "KmsKeyId": KEY}},
        {"DeviceName": "/dev/xvdb", "NoDevice": ""},
        {"DeviceName": "/dev/xvdc", "Ebs": {"VolumeSize": 9}},
        {"DeviceName": "/dev/xvdd", "Ebs": {"KmsKeyId": KEY}},
    ],
    "NetworkInterfaces": [
        {"DeviceIndex": 0, "Groups": ["sg-1"], "DeleteOnTermination": True},
        {"DeviceIndex": 1},
        {"DeviceIndex": 2, "Groups": ["sg-1"], "DeleteOnTermination": False},
    ],
    "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "a & b"}]}],
}


def kept(aws: Clients) -> Any:
    """Return the data of a template's second version, as it is described."""
    name = f"template-{uuid.uuid4().hex[:8]}"
    aws.ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData={"ImageId": DATA["ImageId"]})
    aws.ec2.create_launch_template_version(LaunchTemplateName=name, LaunchTemplateData=DATA)
    found = aws.ec2.describe_launch_template_versions(LaunchTemplateName=name, Versions=["2"])
    return found["LaunchTemplateVersions"][0]["LaunchTemplateData"]


def keys(data: Any) -> list[Any]:
    return [mapping.get("Ebs", {}).get("KmsKeyId") for mapping in data["BlockDeviceMappings"]]


def ends(data: Any) -> list[Any]:
    return [interface.get("DeleteOnTermination") for interface in data["NetworkInterfaces"]]


def test_volumes_keep_their_keys(aws: Clients, uncorrected: Clients) -> None:
    data = kept(aws)
    assert keys(data) == [KEY, None, None, KEY]
    assert data["TagSpecifications"] == DATA["TagSpecifications"]
    assert not any(keys(kept(uncorrected))), "ministack keeps volumes' keys now: remove keep_keys_of_volumes"


def test_network_interfaces_keep_their_end(aws: Clients, uncorrected: Clients) -> None:
    assert ends(kept(aws)) == [True, None, False]
    assert ends(kept(uncorrected)) == [None, None, None], (
        "ministack keeps their end now: remove keep_the_end_of_network_interfaces"
    )
