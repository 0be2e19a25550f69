from django.urls import path

from directory.views import landing, profile, reports, search

app_name = "directory"

urlpatterns = [
    path("", landing.home, name="home"),
    path("entreprises.json", search.enterprise_json, name="list_json"),
    # /entreprises/
    path("entreprises/", search.enterprise_list, name="list"),
    path("entreprises/suggestions/", search.suggestions, name="suggestions"),
    path("entreprises/suggerer/", reports.suggest, name="suggest"),
    path("entreprises/<slug:slug>/", profile.detail, name="detail"),
    path("entreprises/<slug:slug>.vcf", profile.vcard, name="vcard"),
    path("entreprises/<slug:slug>/signaler/", reports.report, name="report"),
    path("merci/<slug:reference>/", reports.thanks, name="thanks"),
    path("logos/<str:name>", profile.logo, name="logo"),
    path("secteurs/<slug:slug>/", landing.sector, name="sector"),
    path("villes/<slug:slug>/", landing.city, name="city"),
]
