"""Transport: calls over the loopback interface count as calls over TLS."""

from local.corrections import module


def apply() -> None:
    """Apply the corrections of the transport."""
    count_loopback_as_secure()


def count_loopback_as_secure() -> None:
    """Policies that refuse calls without TLS let a call pass that never leaves this machine.

    AWS's endpoints are called over TLS, which sets aws:SecureTransport; the embedded AWS speaks HTTP, on loopback only.
    AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html, aws:SecureTransport.
    """
    app = module("app")
    pin = app.pin_request_origin

    def pin_request_origin(source_ip: str, secure_transport: bool) -> None:
        pin(source_ip, secure_transport or source_ip.startswith("127."))

    app.pin_request_origin = pin_request_origin
