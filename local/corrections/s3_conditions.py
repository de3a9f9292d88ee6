"""S3: what policies may ask about the encryption of a write."""

from typing import Any

from local.corrections import module

KEY = "x-amz-server-side-encryption-aws-kms-key-id"
CUSTOMER_ALGORITHM = "x-amz-server-side-encryption-customer-algorithm"


def apply() -> None:
    """Apply the corrections of S3's condition keys."""
    tell_policies_the_key_of_a_write()
    tell_policies_of_customer_provided_keys()


def tell_policies_the_key_of_a_write() -> None:
    """The condition key s3:x-amz-server-side-encryption-aws-kms-key-id is the key that a write names.

    A part of a multipart upload names none; as in ministack's other encryption key, the upload's own request decides.
    AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#require-sse-kms.
    """

    def key(upload: dict[str, Any] | None, headers: dict[str, str]) -> str:
        if upload is None:
            return headers.get(KEY, "")
        return upload["preserved_headers"].get(KEY, "") if upload.get("requested_sse") else ""

    _tell(KEY, key)


def tell_policies_of_customer_provided_keys() -> None:
    """The condition key s3:x-amz-server-side-encryption-customer-algorithm is there if a write brings its own key.

    AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html, on requiring and
    restricting SSE-C.
    """
    _tell(CUSTOMER_ALGORITHM, lambda _, headers: headers.get(CUSTOMER_ALGORITHM, ""))


def _tell(name: str, value_of: Any) -> None:
    """Let a write's conditions hold `s3:name` where `value_of` finds it, from the multipart upload and the headers."""
    actions, s3 = module("core.iam_actions"), module("services.s3")
    original = actions._s3_object_context

    def object_context(action: str, query: dict[str, Any], path: str, headers: dict[str, str]) -> dict[str, Any]:
        context: dict[str, Any] = original(action, query, path, headers)
        if action == "s3:PutObject":
            upload = s3._multipart_uploads.get(actions._query_param(query, "uploadId") or "")
            if value := value_of(upload, headers):
                context[f"s3:{name}"] = value
        return context

    actions._s3_object_context = object_context
