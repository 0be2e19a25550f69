"""The ground of the map: borders light enough to be sent to every reader."""

from typing import Any

#: Decimals of a degree: 100 m, less than a pixel until the map is looked at closely.
PRECISION = 3
CREDIT = (
    "Ministère des Ressources naturelles et des Forêts du Québec, découpages administratifs "
    "(2016, régions corrigées selon les limites de 2021), CC-BY 4.0, "
    "https://creativecommons.org/licenses/by/4.0/deed.fr. Coordonnées arrondies."
)


def lightened(collection: dict[str, Any]) -> dict[str, Any]:
    """The polygons of a GeoJSON collection as one shape: coordinates rounded, points and rings
    that then say nothing left out. Neighbours stay side by side, as they round alike."""
    shapes = []
    for feature in collection["features"]:
        geometry = feature["geometry"]
        polygons = geometry["coordinates"]
        for polygon in [polygons] if geometry["type"] == "Polygon" else polygons:
            rings = [ring for ring in map(_rounded, polygon) if len(ring) > 3]
            if rings:
                shapes.append(rings)
    return {"type": "MultiPolygon", "credit": CREDIT, "coordinates": shapes}


def _rounded(ring: list[list[float]]) -> list[list[float]]:
    kept: list[list[float]] = []
    for point in ring:
        rounded = [round(degrees, PRECISION) for degrees in point[:2]]
        if not kept or kept[-1] != rounded:
            kept.append(rounded)
    return kept
