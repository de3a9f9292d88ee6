"""What the deployed platform says about its processors: role, settings and target group."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local import http
from local.errors import LocalPlatformError
from local.layout import METADATA_PORT, PROCESSOR_PORT, REGION, Layout

if TYPE_CHECKING:
    from mypy_boto3_elbv2.client import ElasticLoadBalancingv2Client
    from mypy_boto3_elbv2.type_defs import TargetDescriptionTypeDef

# Past any proxy that the environment names: the endpoint is this machine.
DIRECT = Config(proxies={})
DEPLOY = "deploy the platform first: ansible-playbook -i inventory/local site.yml"


class SessionKeys(TypedDict):
    """Temporary credentials as the arguments that boto3 takes."""

    aws_access_key_id: str
    aws_secret_access_key: str
    aws_session_token: str


@dataclass(frozen=True)
class InstanceRole:
    """The role that the launch template gives to an instance, and its instance profile."""

    role_name: str
    role_arn: str
    profile_arn: str
    profile_id: str
    image_id: str


@dataclass(frozen=True)
class Deployment:
    """Reads and changes what the roles deployed, with the root credentials of the embedded AWS."""

    layout: Layout
    environment: dict[str, str]

    def instance_role(self) -> InstanceRole:
        """Return the role of the launch template's newest version.

        Raises:
            LocalPlatformError: if there is no launch template, or it names no instance profile.
        """
        template = f"{self.layout.name}-processor"
        ec2 = self._session().client("ec2", endpoint_url=self.layout.endpoint, config=DIRECT)
        try:
            versions = ec2.describe_launch_template_versions(LaunchTemplateName=template, Versions=["$Latest"])[
                "LaunchTemplateVersions"
            ]
        except ClientError as error:
            raise LocalPlatformError(f"There is no launch template {template} ({_code(error)}): {DEPLOY}.") from error
        data = versions[0]["LaunchTemplateData"] if versions else {}
        profile = data.get("IamInstanceProfile", {})
        name = profile.get("Name") or profile.get("Arn", "").rpartition("/")[2]
        if not name:
            raise LocalPlatformError(f"The launch template {template} names no instance profile: {DEPLOY}.")
        iam = self._session().client("iam", endpoint_url=self.layout.endpoint, config=DIRECT)
        found = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
        role = found["Roles"][0]
        image = data.get("ImageId", "ami-00000000000000000")
        return InstanceRole(role["RoleName"], role["Arn"], found["Arn"], found["InstanceProfileId"], image)

    def processor_settings(self, address: str) -> dict[str, str]:
        """Return the processor's settings, read as an instance reads them: with its role's credentials.

        Args:
            address: the processor's address, whose metadata service gives the credentials.

        Raises:
            LocalPlatformError: if the parameter is missing, or the role may not read it.
        """
        name = f"/{self.layout.name}/processor/settings"
        session = boto3.session.Session(region_name=REGION, **role_credentials(address))
        ssm = session.client("ssm", endpoint_url=self.layout.endpoint, config=DIRECT)
        try:
            value = ssm.get_parameter(Name=name)["Parameter"]["Value"]
        except ClientError as error:
            raise LocalPlatformError(
                f"The instance role cannot read the SSM parameter {name} ({_code(error)}): {DEPLOY}."
            ) from error
        return {str(key): str(item) for key, item in json.loads(value).items()}

    def register(self, addresses: list[str]) -> None:
        """Register the processors at `addresses` in the target group."""
        client, arn = self._target_group()
        client.register_targets(TargetGroupArn=arn, Targets=_targets(addresses))

    def deregister(self, addresses: list[str]) -> None:
        """Take the processors at `addresses` out of the target group."""
        client, arn = self._target_group()
        client.deregister_targets(TargetGroupArn=arn, Targets=_targets(addresses))

    def target_health(self) -> dict[str, str]:
        """Return the state of each registered target by address, with the reason if it is not healthy."""
        client, arn = self._target_group()
        states = {}
        for item in client.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]:
            health = item["TargetHealth"]
            reason = f" ({health['Reason']})" if "Reason" in health else ""
            states[item["Target"]["Id"]] = health["State"] + reason
        return states

    def _target_group(self) -> "tuple[ElasticLoadBalancingv2Client, str]":
        name = f"{self.layout.name}-fleet"
        client = self._session().client("elbv2", endpoint_url=self.layout.endpoint, config=DIRECT)
        try:
            groups = client.describe_target_groups(Names=[name])["TargetGroups"]
        except client.exceptions.TargetGroupNotFoundException:
            groups = []
        if not groups:
            raise LocalPlatformError(f"There is no target group {name}: {DEPLOY}.")
        return client, groups[0]["TargetGroupArn"]

    def _session(self) -> boto3.session.Session:
        """Return a session of the root principal, whatever the caller's own environment says."""
        return boto3.session.Session(
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self.environment["AWS_REGION"],
        )


def role_credentials(address: str) -> SessionKeys:
    """Return the instance role's credentials from the metadata service at `address`, as boto3's arguments."""
    base = f"http://{address}:{METADATA_PORT}/latest"
    token = http.request("PUT", f"{base}/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"}).text
    with_token = {"X-aws-ec2-metadata-token": token}
    folder = f"{base}/meta-data/iam/security-credentials/"
    role = http.request("GET", folder, with_token).text
    document = http.request("GET", folder + role, with_token).json()
    return {
        "aws_access_key_id": document["AccessKeyId"],
        "aws_secret_access_key": document["SecretAccessKey"],
        "aws_session_token": document["Token"],
    }


def _targets(addresses: list[str]) -> "list[TargetDescriptionTypeDef]":
    return [{"Id": address, "Port": PROCESSOR_PORT} for address in addresses]


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "Unknown")
