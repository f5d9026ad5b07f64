"""How the edge's processes write to their log."""

import logging


def configure_logging() -> None:
    """`LEVEL area: sentence` on stderr."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO)
