"""Callback: at the end of a run, which role changed what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible import context

if TYPE_CHECKING:

    class CallbackBase:
        """What is used of Ansible's own class, which carries no types."""

        _display: Any

else:
    from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: changed_by_role
type: aggregate
short_description: List, at the end of a run, what each role changed
description:
  - One line for each role that ran, with the names of its tasks that changed something.
  - In check mode the lines say what would change.
"""


class CallbackModule(CallbackBase):
    """Collects the changed tasks of each role in the order of the run."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "changed_by_role"

    def __init__(self) -> None:
        super().__init__()
        self.changed: dict[str, list[str]] = {}

    def v2_runner_on_ok(self, result: Any) -> None:
        """Note a task that ended well.

        Args:
            result: The task's result.
        """
        role = result.task._role
        if role is None:
            return
        tasks = self.changed.setdefault(role.get_name(), [])
        if result.is_changed():
            tasks.append(result.task.name)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Show what was noted.

        Args:
            stats: The run's sums, which the screen's own callback shows.
        """
        del stats
        if not self.changed:
            return
        self._display.banner("WOULD BE CHANGED BY ROLE" if context.CLIARGS.get("check") else "CHANGED BY ROLE")
        width = max(len(role) for role in self.changed)
        for role, tasks in self.changed.items():
            text = f"{len(tasks)}: {'; '.join(tasks)}" if tasks else "nothing, left as it was"
            self._display.display(f"{role:<{width}}  {text}", color="yellow" if tasks else "green")
