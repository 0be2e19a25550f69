from django.urls import path

from directory.views import landing, maps, profile, search

app_name = "directory"

urlpatterns = [
    path("", landing.home, name="home"),
    path("entreprises.json", search.enterprise_json, name="list_json"),
    # /entreprises/
    path("entreprises/", search.enterprise_list, name="list"),
    path("entreprises/carte/", maps.enterprise_map, name="map"),
    path("entreprises/carte.json", maps.map_cells, name="map_cells"),
    path("entreprises/suggestions/", search.suggestions, name="suggestions"),
    path("entreprises/<slug:slug>/", profile.detail, name="detail"),
    path("logos/<str:name>", profile.logo, name="logo"),
    path("secteurs/<slug:slug>/", landing.sector, name="sector"),
    path("villes/<slug:slug>/", landing.city, name="city"),
]
