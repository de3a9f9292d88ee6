"""`site.yml` run again; what else an operator types is in `playbooks/`, a suite of its own."""

from __future__ import annotations

from tests.integration.path.conftest import Deployment


def test_a_second_run_changes_nothing(deployment: Deployment) -> None:
    status, numbers, text = deployment.playbook("site.yml")
    assert (status, numbers["changed"]) == (0, 0), text
