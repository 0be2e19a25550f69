from django.urls import path

from directory.views import exports, landing, open_data, profile, search

app_name = "directory"

urlpatterns = [
    path("", landing.home, name="home"),
    path("entreprises.json", search.enterprise_json, name="list_json"),
    path("entreprises.csv", exports.enterprise_csv, name="list_csv"),
    path("entreprises.xlsx", exports.enterprise_xlsx, name="list_xlsx"),
    path("entreprises.geojson", exports.enterprise_geojson, name="list_geojson"),
    # /entreprises/
    path("entreprises/", search.enterprise_list, name="list"),
    path("entreprises/suggestions/", search.suggestions, name="suggestions"),
    path("entreprises/<slug:slug>/", profile.detail, name="detail"),
    path("logos/<str:name>", profile.logo, name="logo"),
    # /donnees/
    path("donnees/", open_data.open_data, name="open_data"),
    path("donnees/telecharger/", exports.download, name="download"),
    path("donnees/changements.json", open_data.changes, name="changes"),
    path("donnees/schema.json", open_data.schema, name="schema"),
    path("secteurs/<slug:slug>/", landing.sector, name="sector"),
    path("villes/<slug:slug>/", landing.city, name="city"),
]
