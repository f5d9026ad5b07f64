"""What `scanway` refuses to do, and why."""


class DeployError(Exception):
    """The message is one sentence for the person at the terminal: what is wrong, and what to do."""

    exit_code = 1


class SetupError(DeployError):
    """Something has to be set, freed or mended before this can start."""

    exit_code = 2


class StartError(DeployError):
    """A process did not start, although its surroundings looked right."""
