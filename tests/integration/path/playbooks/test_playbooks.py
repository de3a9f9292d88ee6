"""The playbooks as an operator types them: check mode, one role, after a stop and a start."""

from __future__ import annotations

from collections.abc import Callable

from demo.files import Upload
from demo.outcomes import work_item
from estancia_protocol.status import Status
from tests.integration.path.account import Account
from tests.integration.path.conftest import PROCESSORS, Deployment
from tests.integration.path.holdings import holdings

MakeFile = Callable[[str, str, bytes | str], Upload]


def test_check_mode_on_a_full_account_shows_no_difference(deployment: Deployment, account: Account) -> None:
    before = holdings(account)
    status, numbers, text = deployment.playbook("site.yml", "--check", "--diff")
    assert (status, numbers["changed"]) == (0, 0), text
    assert holdings(account) == before


def test_state_survives_down_and_up(deployment: Deployment, file: MakeFile) -> None:
    (before,) = deployment.put(file("survivor", "one.csv", "a\n1\n"))
    deployment.platform.down()
    deployment.platform.up()
    status, numbers, text = deployment.playbook("site.yml")
    assert (status, numbers["changed"]) == (0, 0), text
    assert work_item(deployment.stack, before.key, before.version_id) == before.item
    deployment.platform.fleet_up(PROCESSORS)
    (after,) = deployment.put(file("survivor", "two.csv", "a\n2\n"))
    assert after.status is Status.PROCESSED


def test_one_role_runs_by_itself(deployment: Deployment) -> None:
    status, numbers, text = deployment.playbook("site.yml", "--tags", "dispatcher")
    assert (status, numbers["changed"]) == (0, 0), text
