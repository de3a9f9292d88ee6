"""The roles' option tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.role_docs import updated

SPECS = """
argument_specs:
  main:
    options:
      queue_days:
        type: int
        default: 10
        description: How long a message is kept, in days.
      queue_kind:
        type: str
        required: true
        choices: [standard, fifo]
        description:
          - The kind
          - of queue.
"""


@pytest.fixture
def role(tmp_path: Path) -> Path:
    path = tmp_path / "queue"
    (path / "meta").mkdir(parents=True)
    (path / "meta" / "argument_specs.yml").write_text(SPECS)
    return path


def test_table_stands_between_its_marks_and_nothing_else_changes(role: Path) -> None:
    text = "before\n<!-- argument_specs -->\nold\n<!-- /argument_specs -->\nafter\n"
    assert updated(text, role) == (
        "before\n<!-- argument_specs -->\n"
        "| option | type | default | meaning |\n|---|---|---|---|\n"
        "| `queue_days` | int | `10` | How long a message is kept, in days. |\n"
        "| `queue_kind` | str | required | The kind of queue. One of `standard`, `fifo`. |\n"
        "<!-- /argument_specs -->\nafter\n"
    )
    assert updated(updated(text, role), role) == updated(text, role)


def test_readme_without_marks_is_named(role: Path) -> None:
    with pytest.raises(ValueError, match=r"queue/README\.md lacks"):
        updated("no marks", role)
