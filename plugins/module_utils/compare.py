"""Live states in the form in which they can be compared with wanted ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def project(actual: Any, wanted: Any) -> Any:
    """The part of a live state that the wanted one speaks of.

    AWS answers with more than was asked (ids, defaults, new features); only what is asked for is compared.

    Args:
        actual: A value as AWS returned it.
        wanted: The wanted value; its mappings say which keys count.

    Returns:
        The value without the mapping keys that the wanted one does not have.
    """
    if isinstance(wanted, Mapping) and isinstance(actual, Mapping):
        return {key: project(actual.get(key), value) for key, value in wanted.items()}
    if isinstance(wanted, list) and isinstance(actual, list) and len(wanted) == len(actual):
        return [project(one, other) for one, other in zip(actual, wanted, strict=True)]
    return actual


def canonical_policy(document: str | Mapping[str, Any] | None) -> Any:
    """A policy in the one form in which equal policies are equal.

    AWS keeps a policy's meaning, not its writing: a list of one may come back as a scalar, lists in another order.

    Args:
        document: The policy as JSON text or as a mapping; None or empty for none.

    Returns:
        Nested dicts, lists and text; None when there is no policy.
    """
    if not document:
        return None
    return _canonical(json.loads(document) if isinstance(document, str) else document)


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        items = sorted((_canonical(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
        return items[0] if len(items) == 1 else items
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def without_none(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given.

    Args:
        mapping: Options, None where one was not given.

    Returns:
        Those that are not None.
    """
    return {key: value for key, value in mapping.items() if value is not None}
