"""EC2: launch templates, kept as they were given."""

from collections.abc import Callable
from functools import partial
from typing import Any

from local.corrections import module
from local.corrections.ec2_descriptions import Parameters


def apply() -> None:
    """Apply the corrections of launch templates."""
    keep_keys_of_volumes()
    keep_the_end_of_network_interfaces()


def keep_keys_of_volumes() -> None:
    """A launch template keeps the keys that encrypt its volumes.

    AWS: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_LaunchTemplateEbsBlockDevice.html, KmsKeyId.
    """

    def keep(mapping: dict[str, Any], value: Callable[[str], str]) -> None:
        if key := value("Ebs.KmsKeyId"):
            mapping.setdefault("Ebs", {})["KmsKeyId"] = key

    def show(mapping: dict[str, Any], shown: str) -> str:
        key = mapping.get("Ebs", {}).get("KmsKeyId")
        return shown.replace("</ebs>", f"<kmsKeyId>{key}</kmsKeyId></ebs>") if key else shown

    _extend("BlockDeviceMapping", "blockDeviceMappingSet", keep, show)


def keep_the_end_of_network_interfaces() -> None:
    """A launch template keeps whether its network interfaces end with the instance.

    AWS: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_LaunchTemplateInstanceNetworkInterfaceSpecification.html,
    DeleteOnTermination.
    """
    end = "</item></networkInterfaceSet>"

    def keep(interface: dict[str, Any], value: Callable[[str], str]) -> None:
        if ends := value("DeleteOnTermination"):
            interface["DeleteOnTermination"] = ends.lower()

    def show(interface: dict[str, Any], shown: str) -> str:
        ends = interface.get("DeleteOnTermination")
        return shown.replace(end, f"<deleteOnTermination>{ends}</deleteOnTermination>{end}") if ends else shown

    _extend("NetworkInterface", "networkInterfaceSet", keep, show)


def _extend(
    name: str,
    item_set: str,
    keep: Callable[[dict[str, Any], Callable[[str], str]], None],
    show: Callable[[dict[str, Any], str], str],
) -> None:
    """Let `keep` add to each member of a launch template's list, and `show` to the XML of a list of this member."""
    ec2 = module("services.ec2")
    parse, data_xml = ec2._parse_lt_data, ec2._lt_data_xml
    members = f"{name}s"

    def parse_data(parameters: Parameters, prefix: str = "LaunchTemplateData") -> dict[str, Any]:
        data: dict[str, Any] = parse(parameters, prefix)
        for number, member in enumerate(data.get(members, []), start=1):
            keep(member, partial(_value, ec2, parameters, f"{prefix}.{name}.{number}"))
        return data

    def extended_xml(data: dict[str, Any]) -> str:
        text: str = data_xml(data)
        if not data.get(members):
            return text
        shown = "".join(show(member, data_xml({members: [member]})) for member in data[members])
        return text.replace(data_xml({members: data[members]}), shown.replace(f"</{item_set}><{item_set}>", ""))

    ec2._parse_lt_data, ec2._lt_data_xml = parse_data, extended_xml


def _value(ec2: Any, parameters: Parameters, start: str, key: str) -> str:
    return str(ec2._p(parameters, f"{start}.{key}"))
