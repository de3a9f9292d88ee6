"""S3: event records as AWS sends them."""

from typing import Any

from local.corrections import caller, module

EMPTY_ETAG = "d41d8cd98f00b204e9800998ecf8427e"
MARKER = "ObjectRemoved:DeleteMarkerCreated"


def apply() -> None:
    """Apply the corrections of S3."""
    name_the_caller_in_events()
    leave_size_out_of_removals()
    announce_every_delete_marker()


def name_the_caller_in_events() -> None:
    """`userIdentity.principalId` is the caller's unique id (`AWS:AROA...:session`), not one word for everybody.

    AWS: "The unique ID of the IAM resource that caused the event",
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html; the ids:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids.
    """

    def name(record: dict[str, Any]) -> None:
        record["userIdentity"] = {"principalId": caller.unique_id()}

    caller.remember(module("services.s3"))
    _change_records(name)


def leave_size_out_of_removals() -> None:
    """A removal's `object` has no size, and an eTag only for a delete marker: the one of empty content.

    AWS: the record's members are described at
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html; what a removal leaves
    out was recorded from AWS in LocalStack's snapshots, tests/aws/services/s3/test_s3_notifications_sqs.snapshot.json.
    """

    def shorten(record: dict[str, Any]) -> None:
        if not record["eventName"].startswith("ObjectRemoved:"):
            return
        members = {name: value for name, value in record["s3"]["object"].items() if name not in ("size", "eTag")}
        if record["eventName"] == MARKER:
            members["eTag"] = EMPTY_ETAG
        record["s3"]["object"] = members

    _change_records(shorten)


def announce_every_delete_marker() -> None:
    """Every new delete marker is an event, also the second one on a key and one on a key that never was.

    AWS: `s3:ObjectRemoved:DeleteMarkerCreated` asks to be told "when a delete marker is created",
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html, and a
    DELETE without a version always makes one, https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html.
    """
    s3 = module("services.s3")
    original = s3._record_delete_marker

    def record_delete_marker(bucket_name: str, key: str, prior_obj: dict[str, Any] | None) -> str:
        marker_id = str(original(bucket_name, key, prior_obj))
        if prior_obj is None:
            s3._fire_s3_event_async(
                bucket_name, key, f"s3:{MARKER}", deletion_type="Delete Marker Created", version_id=marker_id
            )
        return marker_id

    s3._record_delete_marker = record_delete_marker


def _change_records(change: Any) -> None:
    """Let `change` edit each event record before it is delivered to a queue, a topic or a function."""
    s3 = module("services.s3")
    for name in ("_deliver_event_to_sqs", "_deliver_event_to_sns", "_deliver_event_to_lambda"):
        setattr(s3, name, _delivering(getattr(s3, name), change))


def _delivering(deliver: Any, change: Any) -> Any:
    def delivered(arn: str, event_payload: dict[str, Any], *arguments: Any, **options: Any) -> None:
        for record in event_payload.get("Records", ()):
            change(record)
        deliver(arn, event_payload, *arguments, **options)

    return delivered
