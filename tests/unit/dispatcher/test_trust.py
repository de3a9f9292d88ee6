"""TLS with the load balancer's own certificate out of SSM."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dispatcher.ports import Finished
from dispatcher.processor_client import HttpProcessor
from dispatcher.trust import CertificateTrust
from estancia_protocol.job import Outcome, encode_line
from tests.unit.dispatcher.fleet import Fleet, stream
from tests.unit.dispatcher.test_processor_client import JOB

DIGITAL_SIGNATURE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
OUTCOME = encode_line(Outcome({"status": "PROCESSED"}))


class Parameter:
    """The parameter in SSM that holds the certificate."""

    def __init__(self, *values: str) -> None:
        self.values = list(values)
        self.reads = 0

    def read(self) -> str:
        self.reads += 1
        return self.values.pop(0) if len(self.values) > 1 else self.values[0]


def certificate(folder: Path, name: str = "localhost") -> tuple[str, ssl.SSLContext]:
    """Make a self-signed certificate as the fleet's role does; return it and a server's settings with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(DIGITAL_SIGNATURE, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / f"{made.serial_number}.pem"
    file.write_bytes(private + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return pem.decode(), context


def processor(fleet: Fleet, parameter: Parameter) -> HttpProcessor:
    return HttpProcessor(fleet.url, CertificateTrust(parameter.read), patience=2)


def test_the_certificate_is_read_once(tmp_path: Path) -> None:
    pem, tls = certificate(tmp_path)
    parameter = Parameter(pem)
    with Fleet(stream(OUTCOME, end=False), stream(OUTCOME), tls=tls) as fleet:
        client = processor(fleet, parameter)
        assert [type(client.post(JOB, 60)), type(client.post(JOB, 60))] == [Finished, Finished]
    assert (fleet.connections, parameter.reads) == (2, 1)


def test_a_renewed_certificate_is_read_when_verification_fails(tmp_path: Path) -> None:
    (old, _), (new, tls) = certificate(tmp_path), certificate(tmp_path)
    parameter = Parameter(old, new)
    with Fleet(stream(OUTCOME), tls=tls) as fleet:
        assert isinstance(processor(fleet, parameter).post(JOB, 60), Finished)
    assert (len(fleet.requests), parameter.reads) == (1, 2)


def test_while_it_is_renewed_the_old_and_the_new_one_are_trusted(tmp_path: Path) -> None:
    (old, _), (new, tls) = certificate(tmp_path), certificate(tmp_path)
    parameter = Parameter(new + old)
    with Fleet(stream(OUTCOME), tls=tls) as fleet:
        assert isinstance(processor(fleet, parameter).post(JOB, 60), Finished)
    assert parameter.reads == 1


@pytest.mark.parametrize("name", ["localhost", "elsewhere.internal"])
def test_anothers_certificate_is_never_trusted(tmp_path: Path, name: str) -> None:
    (ours, _), (theirs, tls) = certificate(tmp_path), certificate(tmp_path, name)
    parameter = Parameter(ours if name == "localhost" else theirs)
    with Fleet(stream(OUTCOME), tls=tls) as fleet, pytest.raises(ssl.SSLCertVerificationError):
        processor(fleet, parameter).post(JOB, 60)
    assert fleet.requests == []
