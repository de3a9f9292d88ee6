"""What can go wrong on the local platform, each with its remedy in the message."""


class LocalPlatformError(Exception):
    """Raised when the local platform cannot do what was asked; the text names the cause and the remedy."""
