"""STS: temporary credentials that live as long as they say."""

import threading
import time
from typing import Any

from local.corrections import module

STATE = "sts"


def apply() -> None:
    """Apply the corrections of STS."""
    keep_sessions_over_a_restart()


def keep_sessions_over_a_restart() -> None:
    """Temporary credentials are good until they expire, whatever restarts: sessions are saved when they are made.

    AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp.html; "they are valid for a limited
    time" and nothing but their expiry or a policy ends them.
    """
    sts, app, persistence = module("services.sts"), module("app"), module("core.persistence")
    register, saving = sts.register_session, threading.Lock()

    def register_session(access_key: str, session: dict[str, Any]) -> None:
        with saving:
            register(access_key, session)
            persistence.save_state(STATE, sts.get_state())

    sts.register_session = register_session
    sts.get_state = lambda: {"sessions": dict(sts._sessions)}
    sts.load_persisted_state = lambda data: sts._sessions.update(_still_valid(data.get("sessions", {})))
    app._state_map[STATE] = "sts"


def _still_valid(sessions: dict[str, Any]) -> dict[str, Any]:
    return {key: session for key, session in sessions.items() if session.get("Expiration", 0) > time.time()}
