"""Two platforms for the whole session: one with our corrections, one with bare ministack."""

from collections.abc import Iterator

import pytest

from local.platform import LocalPlatform
from tests.integration.local.support import Clients, project_folder


@pytest.fixture(scope="session")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    """The platform as it is used."""
    platform = LocalPlatform(port=4701, root=project_folder(tmp_path_factory.mktemp("corrected")))
    platform.up()
    yield platform
    platform.down()


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    """ministack alone, to see that a correction is still needed."""
    platform = LocalPlatform(port=4702, root=project_folder(tmp_path_factory.mktemp("bare")))
    platform.up(corrected=False)
    yield platform
    platform.down()


@pytest.fixture
def aws(corrected: LocalPlatform) -> Clients:
    """Clients of the corrected platform."""
    return Clients(corrected)


@pytest.fixture
def uncorrected(bare: LocalPlatform) -> Clients:
    """Clients of bare ministack."""
    return Clients(bare)
