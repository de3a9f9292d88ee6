"""What is sent to the dead-letter queue always fits into a message."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.messages import SqsMessages

MOST = 262_144


class FakeSqs:
    """Keeps what is sent, if SQS would take it."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send_message(self, **request: Any) -> None:
        texts = [request["MessageBody"], "estancia_reason", "String", reason_of(request)]
        assert sum(len(text.encode()) for text in texts) <= MOST
        assert all(re.fullmatch("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+", text) for text in texts)
        self.sent.append(request)


def reason_of(request: dict[str, Any]) -> str:
    return str(request["MessageAttributes"]["estancia_reason"]["StringValue"])


def given_up(body: str, reason: str) -> tuple[str, str]:
    fake: Any = FakeSqs()
    SqsMessages(fake, "queue", "dead-letters").give_up(body, reason)
    (request,) = fake.sent
    return request["MessageBody"], reason_of(request)


@given(st.text(min_size=1, max_size=2000))
def test_any_reason_can_be_sent(reason: str) -> None:
    body, said = given_up("body", reason)
    assert body == "body"
    assert said.isascii()
    assert said.isprintable()


def test_a_body_as_long_as_a_queue_takes_is_cut_and_that_is_said() -> None:
    whole = "ñ" * (MOST // 2)
    body, said = given_up(whole, "refused: too long")
    assert whole.startswith(body)
    assert len(body.encode()) == 200_000
    assert said == "refused: too long (the first 200000 of 262144 bytes are kept)"
