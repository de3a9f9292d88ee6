"""Who made the request that is being answered: ministack's handlers do not pass it on."""

from contextvars import ContextVar
from typing import Any

from local.corrections import module

access_key: ContextVar[str] = ContextVar("estancia_access_key", default="")


def remember(service: Any) -> None:
    """Let `access_key` hold the caller's access key while `service` handles a request."""
    router = module("core.router")
    original = service.handle_request

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any], **options: Any
    ) -> Any:
        token = access_key.set(router.extract_access_key_id(headers, query_params) or "")
        try:
            return await original(method, path, headers, body, query_params, **options)
        finally:
            access_key.reset(token)

    service.handle_request = handle_request


def unique_id() -> str:
    """Return the caller's unique id as S3 writes it (`AWS:AROA...:session`), or that it is anonymous."""
    identity = module("core.iam_evaluator").resolve_caller_identity(access_key.get())
    return f"AWS:{identity['userId']}" if identity else "AWS:Anonymous"
