"""What can go wrong: one root, and one class for each kind of consequence."""

from __future__ import annotations

from estancia_protocol.errors import ErrorCode


class ProcessorError(Exception):
    """Root of all errors that the processor raises on purpose."""


class ConfigError(ProcessorError):
    """A setting is missing or wrong; raised before anything is started."""


class CodedError(ProcessorError):
    """An error with a code of the common vocabulary.

    Attributes:
        code: the error's code.
        message: what happened, naming the input, the rule and the remedy.
    """

    def __init__(self, code: ErrorCode, message: str | None = None) -> None:
        self.code = code
        self.message = message or code.sentence
        super().__init__(f"{code}: {self.message}")


class FileFaultError(CodedError):
    """The file's own fault: the job ends REJECTED, and trying again would change nothing."""


class RetryError(CodedError):
    """A fault that is not the file's: the error is recorded and the job is tried again."""


class LeaseLostError(RetryError):
    """The lease could not be renewed or belongs to another attempt; the worker stops and writes nothing more."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(ErrorCode.LEASE_LOST, message)
