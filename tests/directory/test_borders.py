"""The ground of the map: lighter than what it is made of, and with no gap between neighbours."""

from directory.borders import CREDIT, lightened


def square(west, south, side):
    east, north = west + side, south + side
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


#: Side by side; their common edge has more decimals than are kept.
WEST, EAST = square(-73.50004, 45.5, 0.1), square(-73.40004, 45.5, 0.1)
#: Smaller than what is told apart.
SPECK = square(-73.0, 45.0, 0.0001)


def collection(*geometries):
    return {"type": "FeatureCollection", "features": [{"geometry": each} for each in geometries]}


def polygon(*rings):
    return {"type": "Polygon", "coordinates": list(rings)}


def test_neighbours_stay_side_by_side():
    (west,), (east,) = lightened(collection(polygon(WEST), polygon(EAST)))["coordinates"]
    assert {tuple(point) for point in west} & {tuple(point) for point in east} == {
        (-73.4, 45.5),
        (-73.4, 45.6),
    }


def test_many_shapes_become_one_with_its_credit():
    many = {"type": "MultiPolygon", "coordinates": [[WEST], [EAST]]}
    made = lightened(collection(many, polygon(WEST)))
    assert made["type"] == "MultiPolygon"
    assert len(made["coordinates"]) == 3
    assert made["credit"] == CREDIT
    assert "CC-BY 4.0" in CREDIT


def test_points_and_rings_that_say_nothing_any_more_are_left_out():
    doubled = [*WEST[:1], [-73.50001, 45.50001, 12.0], *WEST[1:]]  # a height too
    made = lightened(collection(polygon(doubled, SPECK), polygon(SPECK)))
    ((ring,),) = made["coordinates"]
    assert len(ring) == 5
    assert all(len(point) == 2 for point in ring)
    assert ring[0] == ring[-1]


def test_nothing_gives_a_shape_of_nothing():
    assert lightened(collection())["coordinates"] == []
