"""KMS inside the calls of S3 and SQS: who may not use the key may not read or write what it encrypts."""

import asyncio
from typing import Any

from local.corrections import caller, module

KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"


def apply() -> None:
    """Apply the corrections of KMS; after those of S3, whose handler remembers the caller."""
    caller.remember(module("services.sqs"))
    check_the_key_when_objects_are_written()
    check_the_key_when_objects_are_read()
    check_the_key_when_messages_are_sent_and_received()
    check_the_key_when_s3_sends_to_a_queue()


def check_the_key_when_objects_are_written() -> None:
    """Writing an SSE-KMS object or beginning a multipart upload needs kms:GenerateDataKey.

    AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html, Permissions.
    """
    s3 = module("services.s3")
    resolve = s3._resolve_sse_write_headers

    def resolve_write_headers(headers: dict[str, str], bucket_name: str) -> Any:
        encryption, error = resolve(headers, bucket_name)
        if not error and (denied := _denied("kms:GenerateDataKey", (encryption or {}).get(KEY_HEADER, ""), "s3")):
            return encryption, s3._error("AccessDenied", denied, 403)
        return encryption, error

    s3._resolve_sse_write_headers = resolve_write_headers


def check_the_key_when_objects_are_read() -> None:
    """Reading an SSE-KMS object needs kms:Decrypt.

    AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, Encryption; the condition key:
    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service.
    """
    s3 = module("services.s3")
    get = s3._get_object

    def get_object(bucket_name: str, key: str, headers: dict[str, str], query_params: Any = None) -> Any:
        answer = get(bucket_name, key, headers, query_params)
        key_reference = answer[1].get(KEY_HEADER, "") if answer[0] in (200, 206) else ""
        denied = _denied("kms:Decrypt", key_reference, "s3")
        return s3._error("AccessDenied", denied, 403) if denied else answer

    s3._get_object = get_object


def check_the_key_when_messages_are_sent_and_received() -> None:
    """A queue with a customer-managed key: senders need GenerateDataKey and Decrypt, receivers Decrypt.

    AWS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html.
    """
    sqs = module("services.sqs")
    needed = {
        "SendMessage": ("kms:GenerateDataKey", "kms:Decrypt"),
        "SendMessageBatch": ("kms:GenerateDataKey", "kms:Decrypt"),
        "ReceiveMessage": ("kms:Decrypt",),
    }

    def checked(handle: Any, actions: tuple[str, ...]) -> Any:
        async def handler(data: dict[str, Any], url: str) -> Any:
            key_reference = sqs._get_q(url)["attributes"].get("KmsMasterKeyId", "")
            for action in actions:
                if denied := _denied(action, key_reference, "sqs"):
                    raise sqs._Err("KMS.AccessDeniedException", denied, 400)
            result = handle(data, url)
            return await result if asyncio.iscoroutine(result) else result

        return handler

    for action, actions in needed.items():
        sqs._HANDLERS[action] = checked(sqs._HANDLERS[action], actions)


def check_the_key_when_s3_sends_to_a_queue() -> None:
    """S3 sends to a queue with a customer-managed key only if the key's policy lets `s3.amazonaws.com` use it.

    AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html.
    """
    sqs, evaluator = module("services.sqs"), module("core.iam_evaluator")
    allows = sqs.queue_policy_allows

    def queue_policy_allows(queue_arn: str, service: str, source_arn: str, source_account: str) -> bool:
        if not allows(queue_arn, service, source_arn, source_account):
            return False
        key = _key((sqs._queue_by_arn(queue_arn) or {}).get("attributes", {}).get("KmsMasterKeyId", ""))
        source = {"aws:sourcearn": source_arn, "aws:sourceaccount": source_account}
        return key is None or all(
            evaluator.evaluate_resource_policy(
                key.get("Policy") or "",
                evaluator.EvalContext(
                    principal_arn="*",
                    principal_type="Service",
                    principal_account="",
                    action=action,
                    resource_arn=key["Arn"],
                    region=module("core.responses").get_region(),
                    service_context=source,
                ),
                service=service,
            ).decision
            == "Allow"
            for action in ("kms:GenerateDataKey", "kms:Decrypt")
        )

    sqs.queue_policy_allows = queue_policy_allows


def _key(reference: str) -> dict[str, Any] | None:
    """Return the customer-managed key that an id, ARN or alias names; AWS's own keys need no permission."""
    if not reference or reference.removeprefix("alias/").startswith("aws/"):
        return None
    found: dict[str, Any] | None = module("services.kms")._resolve_key(reference)
    return found


def _aliases(key: dict[str, Any]) -> list[str]:
    """Return the names of a key's aliases, as the condition key kms:ResourceAliases has them."""
    aliases = module("services.kms")._aliases
    return [arn.rpartition(":")[2] for arn, key_id in aliases.items() if key_id == key["KeyId"]]


def _denied(action: str, reference: str, service: str) -> str:
    """Return why the caller may not do `action` with the key, or an empty string if it may."""
    key = _key(reference)
    if key is None:
        return ""
    region = module("core.responses").get_region()
    result = module("core.iam_evaluator").enforce(
        caller.access_key.get(),
        action,
        "kms",
        region,
        resource_arn=key["Arn"],
        service_context={
            "kms:viaservice": f"{service}.{region}.amazonaws.com",
            "kms:resourcealiases": _aliases(key),
        },
    )
    if result is None:
        return ""
    who = getattr(result, "principal_arn", "") or "the caller"
    return (
        f"User: {who} is not authorized to perform: {action} on the resource associated with this ciphertext "
        f"because no identity-based policy allows the {action} action"
    )
