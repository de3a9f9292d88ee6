"""The instance metadata service of one local processor, as EC2 offers it: version 2 only.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html and
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html.
"""

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAXIMUM_TTL_SECONDS = 21600
RENEW_BEFORE_SECONDS = 1800.0
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials and when they end."""

    access_key_id: str
    secret_access_key: str
    token: str
    expiration: datetime
    updated: datetime

    def document(self) -> dict[str, str]:
        """Return the document that EC2 serves below `iam/security-credentials/`."""
        return {
            "Code": "Success",
            "LastUpdated": self.updated.strftime(TIME_FORMAT),
            "Type": "AWS-HMAC",
            "AccessKeyId": self.access_key_id,
            "SecretAccessKey": self.secret_access_key,
            "Token": self.token,
            "Expiration": self.expiration.strftime(TIME_FORMAT),
        }


@dataclass
class RenewedCredentials:
    """Credentials fetched by `assume` and fetched again half an hour before they end."""

    assume: Callable[[], Credentials]
    _current: Credentials | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def current(self) -> Credentials:
        """Return credentials that are good for at least half an hour."""
        with self._lock:
            if self._current is None or self._remaining(self._current) < RENEW_BEFORE_SECONDS:
                self._current = self.assume()
            return self._current

    @staticmethod
    def _remaining(credentials: Credentials) -> float:
        return (credentials.expiration - datetime.now(UTC)).total_seconds()


@dataclass(frozen=True)
class Instance:
    """What the metadata of one instance says."""

    address: str
    region: str
    account_id: str
    profile_arn: str
    profile_id: str
    role_name: str
    image_id: str = "ami-00000000000000000"
    instance_type: str = "local"

    @property
    def instance_id(self) -> str:
        """An id that the address alone decides, of EC2's form: `i-0` and 16 hexadecimal digits."""
        return instance_id(self.address)

    @property
    def availability_zone(self) -> str:
        """The zone: addresses take the first two in turn."""
        return self.region + "ab"[int(self.address.rpartition(".")[2]) % 2]

    def documents(self) -> dict[str, str]:
        """Return what stands at each path below `/latest/`, but for the credentials."""
        updated = datetime.now(UTC).strftime(TIME_FORMAT)
        identity = {
            "accountId": self.account_id,
            "architecture": "x86_64",
            "availabilityZone": self.availability_zone,
            "imageId": self.image_id,
            "instanceId": self.instance_id,
            "instanceType": self.instance_type,
            "pendingTime": updated,
            "privateIp": self.address,
            "region": self.region,
            "version": "2017-09-30",
        }
        profile = {
            "Code": "Success",
            "LastUpdated": updated,
            "InstanceProfileArn": self.profile_arn,
            "InstanceProfileId": self.profile_id,
        }
        return {
            "meta-data/instance-id": self.instance_id,
            "meta-data/ami-id": self.image_id,
            "meta-data/instance-type": self.instance_type,
            "meta-data/local-ipv4": self.address,
            "meta-data/placement/region": self.region,
            "meta-data/placement/availability-zone": self.availability_zone,
            "meta-data/iam/info": json.dumps(profile),
            "dynamic/instance-identity/document": json.dumps(identity, indent=2),
        }


def instance_id(address: str) -> str:
    """Return the instance id that belongs to `address`."""
    return "i-0" + hashlib.sha256(address.encode()).hexdigest()[:16]


@dataclass
class MetadataService:
    """Answers metadata requests for one instance; a token is needed for all but the request for a token."""

    instance: Instance
    credentials: RenewedCredentials
    clock: Callable[[], float] = time.monotonic
    _tokens: dict[str, float] = field(default_factory=dict)

    def put_token(self, ttl: str | None, forwarded: bool) -> tuple[int, str]:
        """Answer `PUT /latest/api/token`: 200 and a token, 400 without a right TTL, 403 through a proxy."""
        if forwarded:
            return 403, "Forbidden"
        if ttl is None or not ttl.isdecimal() or not 1 <= int(ttl) <= MAXIMUM_TTL_SECONDS:
            return 400, "Bad Request"
        now = self.clock()
        self._tokens = {token: end for token, end in self._tokens.items() if end > now}
        token = secrets.token_urlsafe(40)
        self._tokens[token] = now + int(ttl)
        return 200, token

    def get(self, path: str, token: str | None) -> tuple[int, str]:
        """Answer `GET path`: 401 without a token that still holds, 404 for what is not there."""
        if self._tokens.get(token or "", 0.0) <= self.clock():
            return 401, "Unauthorized"
        wanted = path.removeprefix("/latest/").rstrip("/")
        role_path = "meta-data/iam/security-credentials"
        if wanted == role_path:
            return 200, self.instance.role_name
        if wanted == f"{role_path}/{self.instance.role_name}":
            return 200, json.dumps(self.credentials.current().document(), indent=2)
        documents = self.instance.documents()
        if wanted in documents:
            return 200, documents[wanted]
        return _listing(wanted, [*documents, f"{role_path}/"])


def _listing(folder: str, paths: list[str]) -> tuple[int, str]:
    below = [path.removeprefix(f"{folder}/") for path in paths if path.startswith(f"{folder}/")]
    names = {name.partition("/")[0] + ("/" if "/" in name else "") for name in below if name}
    return (200, "\n".join(sorted(names))) if names else (404, "Not Found")


def serve(service: MetadataService, address: str, port: int) -> ThreadingHTTPServer:
    """Return a server that listens on `address` and answers for `service` once its `serve_forever` runs."""

    class Handler(_Handler):
        """The handler of this one service: the server makes handlers by itself, without arguments of ours."""

        metadata = service

    return ThreadingHTTPServer((address, port), Handler)


class _Handler(BaseHTTPRequestHandler):
    """Maps HTTP to the service."""

    metadata: MetadataService
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "EC2ws", ""

    def do_PUT(self) -> None:
        """Answer a request for a token."""
        if self.path != "/latest/api/token":
            self._answer(404, "Not Found")
            return
        ttl = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
        status, text = self.metadata.put_token(ttl, "X-Forwarded-For" in self.headers)
        self._answer(status, text, ttl if status == 200 else None)

    def do_GET(self) -> None:
        """Answer a request for metadata."""
        try:
            status, text = self.metadata.get(self.path, self.headers.get("X-aws-ec2-metadata-token"))
        except Exception as error:  # The role may be gone: EC2 answers 500 with the code then.
            print(f"{self.path}: {type(error).__name__}: {error}", flush=True)
            status, text = 500, "Internal Server Error"
        self._answer(status, text)

    def log_message(self, *_: object) -> None:
        """Keep credentials requests out of the log."""

    def _answer(self, status: int, text: str, ttl: str | None = None) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        if ttl is not None:
            self.send_header("X-aws-ec2-metadata-token-ttl-seconds", ttl)
        self.end_headers()
        self.wfile.write(body)
