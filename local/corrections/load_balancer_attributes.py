"""Elastic Load Balancing: the attributes that a load balancer has from the start."""

from typing import Any

from local.corrections import module

DEFAULTS = {
    "access_logs.s3.bucket": "",
    "access_logs.s3.enabled": "false",
    "access_logs.s3.prefix": "",
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.bucket": "",
    "connection_logs.s3.enabled": "false",
    "connection_logs.s3.prefix": "",
    "deletion_protection.enabled": "false",
    "idle_timeout.timeout_seconds": "60",
    "load_balancing.cross_zone.enabled": "true",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}


def apply() -> None:
    """Apply the correction of load balancers' attributes."""
    describe_every_attribute()


def describe_every_attribute() -> None:
    """A described application load balancer lists every attribute, those that nobody set with their defaults.

    AWS: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html.
    """
    alb = module("services.alb")
    describe = alb._ACTION_MAP["DescribeLoadBalancerAttributes"]

    def describe_attributes(parameters: dict[str, Any]) -> Any:
        arn = alb._p(parameters, "LoadBalancerArn")
        if arn in alb._lbs:
            attributes = alb._lb_attrs.setdefault(arn, [])
            known = {item["Key"] for item in attributes}
            attributes += [{"Key": key, "Value": value} for key, value in DEFAULTS.items() if key not in known]
        return describe(parameters)

    alb._ACTION_MAP["DescribeLoadBalancerAttributes"] = describe_attributes
