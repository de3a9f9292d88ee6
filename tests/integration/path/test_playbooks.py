"""The playbooks as an operator types them: a second run, check mode, destroy and back."""

from __future__ import annotations

from tests.integration.path.conftest import Deployment


def test_a_second_run_changes_nothing(deployment: Deployment) -> None:
    status, numbers, text = deployment.playbook("site.yml")
    assert (status, numbers["changed"]) == (0, 0), text


def test_check_mode_on_a_full_account_shows_no_difference(deployment: Deployment) -> None:
    status, numbers, text = deployment.playbook("site.yml", "--check", "--diff")
    assert (status, numbers["changed"]) == (0, 0), text


def test_destroy_asks_for_its_flag(deployment: Deployment) -> None:
    status, _, text = deployment.playbook("destroy.yml")
    assert status != 0
    assert "estancia_destroy_confirm=estancia-local" in text
