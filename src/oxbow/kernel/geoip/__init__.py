"""Where an address is and whose network it is in, by MaxMind databases that the operator brings."""

from oxbow.kernel.geoip.areas import AREAS, area_of
from oxbow.kernel.geoip.copies import GeoCopies
from oxbow.kernel.geoip.finder import NOWHERE, GeoFinder, Place

__all__ = ["AREAS", "NOWHERE", "GeoCopies", "GeoFinder", "Place", "area_of"]
