"""Running scanway: the command, the embedded stack, and its installation."""

__version__ = "0.1.0"
