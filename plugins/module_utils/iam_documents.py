"""IAM's policy documents: how they are sent and how long they may be."""

from __future__ import annotations

import json


def compact(document: str) -> str:
    """A document as it is sent: without white space, which IAM does not count but stores.

    Args:
        document: JSON text.

    Returns:
        The same JSON on one line.
    """
    return json.dumps(json.loads(document), separators=(",", ":"))


def check_size(subject: str, documents: list[str], limit: int) -> None:
    """Refuse documents that are longer together than IAM takes, before anything is changed.

    The limits are in "IAM and AWS STS quotas" of the IAM User Guide; white space does not count.

    Args:
        subject: What they belong to, for the message.
        documents: Compact JSON texts.
        limit: The most characters they may have in sum.

    Raises:
        ValueError: When they have more.
    """
    size = sum(len(document) for document in documents)
    if size > limit:
        raise ValueError(f"{subject} has {size} characters, IAM takes {limit}: shorten its template.")
