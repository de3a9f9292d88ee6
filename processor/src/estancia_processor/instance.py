"""Which instance this is."""

from __future__ import annotations

from typing import Any

import botocore.session
from botocore.utils import IMDSFetcher

from estancia_processor.errors import ConfigError


class InstanceId(IMDSFetcher):
    """Reads the instance's id from the metadata service (IMDSv2, AWS_EC2_METADATA_SERVICE_ENDPOINT is followed)."""

    def __init__(self) -> None:
        session = botocore.session.get_session()
        config = {
            name: session.get_config_variable(name)
            for name in ("ec2_metadata_service_endpoint", "ec2_metadata_service_endpoint_mode")
        }
        super().__init__(timeout=2, num_attempts=5, config=config)

    def fetch(self) -> str:
        """Return the id.

        Raises:
            ConfigError: the metadata service does not answer.
        """
        fetcher: Any = self
        try:
            token = fetcher._fetch_metadata_token()
            answer = fetcher._get_request("latest/meta-data/instance-id", None, token)
        except fetcher._RETRIES_EXCEEDED_ERROR_CLS as error:
            message = (
                "the instance metadata service does not answer; run on an instance whose launch template enables it"
            )
            raise ConfigError(message) from error
        return str(answer.text).strip()
