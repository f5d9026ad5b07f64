"""Where an address is: opened when the first rule asks, so that an edge without such rules never pays."""

import logging

from analytics.visitors.geo import NOWHERE, Geo, GeoError, Place

log = logging.getLogger("edge.places")


class Places:
    """`of(ip)` is an address's Place: country, region, city, continent; '' where not known. Never raises."""

    def __init__(self, path: str = "") -> None:
        """`path`: an operator's file, '' for the built-in one."""
        self._path = path
        self._geo: Geo | None = None
        self._failed = False

    def of(self, ip: str) -> Place:
        if self._geo is None:
            if self._failed:
                return NOWHERE
            try:
                self._geo = Geo(self._path)
            except GeoError as error:
                self._failed = True
                log.error("Rules by place cannot hold: %s", error)
                return NOWHERE
        return self._geo.place(ip)
