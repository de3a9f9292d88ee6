"""Plain HTTP to this machine, past any proxy that the environment names."""

import httpx


def status(url: str, seconds: float = 5.0) -> int:
    """Return the status that GET `url` answers within `seconds`, 0 if nothing answers."""
    try:
        return request("GET", url, seconds=seconds).status_code
    except httpx.TransportError:
        return 0


def request(method: str, url: str, headers: dict[str, str] | None = None, seconds: float = 10.0) -> httpx.Response:
    """Return the answer to one request.

    Raises:
        httpx.TransportError: if nothing answers within `seconds`.
    """
    with httpx.Client(trust_env=False, timeout=seconds) as client:
        return client.request(method, url, headers=headers)
