"""Where an enterprise stands on the map when nobody gave its exact position."""

from directory.models import Enterprise, PostalArea


def locate(enterprise: Enterprise) -> None:
    """Set the position to the centroid of the postal area, else to that of the city.

    An exact position is left alone. Nothing is saved; no network is asked.
    """
    precision = Enterprise.GeoPrecision
    if enterprise.geo_precision == precision.EXACT:
        return
    area = PostalArea.objects.filter(code=enterprise.postal_code[:3]).first()
    place = area or enterprise.city
    enterprise.latitude, enterprise.longitude = place.latitude, place.longitude
    enterprise.geo_precision = precision.FSA if area else precision.CITY
