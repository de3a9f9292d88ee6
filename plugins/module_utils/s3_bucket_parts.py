"""The parts of a bucket's configuration: how each is read, compared and written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.compare import canonical_policy, project
from ansible.module_utils.plan import Plan, tag_dict, tag_list
from ansible.module_utils.waiting import error_code, optional, retry

# The policy of a queue that was just written takes a moment until S3's test message may pass.
DESTINATION_SECONDS = 60


@dataclass(frozen=True)
class Part:
    """One part of a bucket's configuration.

    Args:
        title: What it is called in a difference.
        absent: The live value of a bucket that has none.
        read: Gets the client, the bucket's name and the wanted value, and returns the comparable live value.
        write: Gets the client, the bucket's name and the wanted value, and writes it.
    """

    title: str
    absent: Any
    read: Callable[[Any, str, Any], Any]
    write: Callable[[Any, str, Any], Any]


def wanted_parts(params: dict[str, Any]) -> dict[str, Any]:
    """The wanted values, by the parts' titles.

    Args:
        params: The module's parameters.

    Returns:
        Each part's value in the form in which live ones are compared with it.
    """
    block = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    return {
        "encryption": params["encryption"],
        "public access block": dict.fromkeys(block, True),
        "ownership": "BucketOwnerEnforced",
        "versioning": "Enabled" if params["versioning"] else "Suspended",
        "policy": json.loads(params["policy"]),
        "tags": {key: str(value) for key, value in params["tags"].items()},
        "lifecycle": sorted(params["lifecycle"], key=lambda rule: str(rule["ID"])),
        "access logging": params["logging"],
        "notifications": comparable_notifications(params["notifications"]),
    }


def converge_part(plan: Plan, s3: Any, bucket: str, part: Part, *, live: Any, wanted: Any) -> None:
    """Write a part where it differs.

    Args:
        plan: Where the step goes.
        s3: A client.
        bucket: The bucket's name.
        part: The part.
        live: Its live value.
        wanted: Its wanted value.
    """
    if part.title == "policy" and canonical_policy(live) == canonical_policy(wanted):
        return
    plan.converge(f"{part.title.capitalize()} of {bucket}", live, wanted, lambda: part.write(s3, bucket, wanted))


def has_content(s3: Any, bucket: str) -> bool:
    """Whether a bucket holds any version, delete marker or unfinished upload.

    Args:
        s3: A client.
        bucket: The bucket's name.

    Returns:
        True when it is not empty.
    """
    page = s3.list_object_versions(Bucket=bucket, MaxKeys=1)
    uploads = s3.list_multipart_uploads(Bucket=bucket, MaxUploads=1)
    return bool(page.get("Versions") or page.get("DeleteMarkers") or uploads.get("Uploads"))


def empty_bucket(s3: Any, bucket: str) -> None:
    """Delete every version, delete marker and unfinished upload.

    Args:
        s3: A client.
        bucket: The bucket's name.

    Raises:
        ValueError: S3 refused to delete some of them, for example those under an Object Lock.
    """
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        batch = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True}) if batch else {}
        if answer.get("Errors"):
            first = answer["Errors"][0]
            msg = f"{bucket}: {len(answer['Errors'])} versions stay, the first {first['Key']}: {first.get('Message')}"
            raise ValueError(msg)
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in page.get("Uploads", []):
            s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])


def comparable_notifications(configuration: dict[str, Any]) -> dict[str, Any]:
    """A notification configuration in the form in which equal ones are equal.

    Args:
        configuration: As S3 takes or answers it.

    Returns:
        The four kinds of targets, entries sorted by Id and events by name.
    """
    kinds = ("QueueConfigurations", "TopicConfigurations", "LambdaFunctionConfigurations")

    def entries(kind: str) -> list[dict[str, Any]]:
        items = [{**item, "Events": sorted(item["Events"])} for item in configuration.get(kind) or []]
        return sorted(items, key=lambda item: str(item.get("Id")))

    found: dict[str, Any] = {kind: entries(kind) for kind in kinds if entries(kind)}
    if configuration.get("EventBridgeConfiguration") is not None:
        found["EventBridgeConfiguration"] = {}
    return found


def _read_encryption(s3: Any, bucket: str, wanted: Any) -> Any:
    answer = optional(lambda: s3.get_bucket_encryption(Bucket=bucket), "ServerSideEncryptionConfigurationNotFoundError")
    rules = answer["ServerSideEncryptionConfiguration"]["Rules"] if answer else [{}]
    return project(rules[0], wanted)


def _write_encryption(s3: Any, bucket: str, wanted: Any) -> None:
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [wanted]})


def _read_block(s3: Any, bucket: str, wanted: Any) -> Any:
    answer = optional(lambda: s3.get_public_access_block(Bucket=bucket), "NoSuchPublicAccessBlockConfiguration")
    return project(answer["PublicAccessBlockConfiguration"], wanted) if answer else {}


def _write_block(s3: Any, bucket: str, wanted: Any) -> None:
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=wanted)


def _read_ownership(s3: Any, bucket: str, _wanted: Any) -> Any:
    answer = optional(lambda: s3.get_bucket_ownership_controls(Bucket=bucket), "OwnershipControlsNotFoundError")
    return answer["OwnershipControls"]["Rules"][0]["ObjectOwnership"] if answer else ""


def _write_ownership(s3: Any, bucket: str, wanted: Any) -> None:
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": wanted}]})


def _read_versioning(s3: Any, bucket: str, _wanted: Any) -> Any:
    return s3.get_bucket_versioning(Bucket=bucket).get("Status", "Suspended")


def _write_versioning(s3: Any, bucket: str, wanted: Any) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": wanted})


def _read_policy(s3: Any, bucket: str, _wanted: Any) -> Any:
    answer = optional(lambda: s3.get_bucket_policy(Bucket=bucket), "NoSuchBucketPolicy")
    return json.loads(answer["Policy"]) if answer else {}


def _write_policy(s3: Any, bucket: str, wanted: Any) -> None:
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(wanted))


def _all_tags(s3: Any, bucket: str) -> dict[str, str]:
    answer = optional(lambda: s3.get_bucket_tagging(Bucket=bucket), "NoSuchTagSet")
    return tag_dict(answer["TagSet"]) if answer else {}


def _read_tags(s3: Any, bucket: str, _wanted: Any) -> Any:
    return {key: value for key, value in _all_tags(s3, bucket).items() if not key.startswith("aws:")}


def _write_tags(s3: Any, bucket: str, wanted: Any) -> None:
    # PutBucketTagging replaces all tags and is refused when it would take away those of AWS itself.
    system = {key: value for key, value in _all_tags(s3, bucket).items() if key.startswith("aws:")}
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tag_list(system | wanted)})


def _read_lifecycle(s3: Any, bucket: str, wanted: Any) -> Any:
    answer = optional(lambda: s3.get_bucket_lifecycle_configuration(Bucket=bucket), "NoSuchLifecycleConfiguration")
    rules = answer.get("Rules", []) if answer else []
    return project(sorted(rules, key=lambda rule: str(rule.get("ID"))), wanted)


def _write_lifecycle(s3: Any, bucket: str, wanted: Any) -> None:
    if wanted:
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": wanted})
    else:
        s3.delete_bucket_lifecycle(Bucket=bucket)


def _read_logging(s3: Any, bucket: str, wanted: Any) -> Any:
    return project(s3.get_bucket_logging(Bucket=bucket).get("LoggingEnabled", {}), wanted)


def _write_logging(s3: Any, bucket: str, wanted: Any) -> None:
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": wanted} if wanted else {})


def _read_notifications(s3: Any, bucket: str, _wanted: Any) -> Any:
    return comparable_notifications(s3.get_bucket_notification_configuration(Bucket=bucket))


def _write_notifications(s3: Any, bucket: str, wanted: Any) -> None:
    retry(
        lambda: s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wanted),
        lambda error: error_code(error) == "InvalidArgument" and "destination configurations" in str(error),
        DESTINATION_SECONDS,
    )


PARTS = (
    Part("public access block", {}, _read_block, _write_block),
    Part("ownership", "", _read_ownership, _write_ownership),
    Part("encryption", {}, _read_encryption, _write_encryption),
    Part("versioning", "Suspended", _read_versioning, _write_versioning),
    Part("policy", {}, _read_policy, _write_policy),
    Part("tags", {}, _read_tags, _write_tags),
    Part("lifecycle", [], _read_lifecycle, _write_lifecycle),
    Part("access logging", {}, _read_logging, _write_logging),
    Part("notifications", {}, _read_notifications, _write_notifications),
)
