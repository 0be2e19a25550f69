from django.urls import path

from directory.views import (
    about,
    claims,
    crawlers,
    exports,
    freshness,
    invitations,
    landing,
    maps,
    news,
    open_data,
    phone,
    profile,
    reports,
    search,
    team,
)

app_name = "directory"

urlpatterns = [
    path("", landing.home, name="home"),
    path("entreprises.json", search.enterprise_json, name="list_json"),
    path("entreprises.csv", exports.enterprise_csv, name="list_csv"),
    path("entreprises.xlsx", exports.enterprise_xlsx, name="list_xlsx"),
    path("entreprises.geojson", exports.enterprise_geojson, name="list_geojson"),
    # /entreprises/
    path("entreprises/", search.enterprise_list, name="list"),
    path("entreprises/carte/", maps.enterprise_map, name="map"),
    path("entreprises/carte.json", maps.map_cells, name="map_cells"),
    path("entreprises/suggestions/", search.suggestions, name="suggestions"),
    path("entreprises/suggerer/", reports.suggest, name="suggest"),
    path("entreprises/<slug:slug>/", profile.detail, name="detail"),
    path("entreprises/<slug:slug>.vcf", profile.vcard, name="vcard"),
    path("entreprises/<slug:slug>/signaler/", reports.report, name="report"),
    path("merci/<slug:reference>/", reports.thanks, name="thanks"),
    path("logos/<str:name>", profile.logo, name="logo"),
    # joining an enterprise; /mon-entreprise/<slug>/equipe/, before any other page of that prefix
    path("entreprises/<slug:slug>/reclamer/", claims.claim, name="claim"),
    path("invitation/<str:token>/", invitations.invitation, name="invitation"),
    path("invitations/", invitations.bulk, name="invitations"),
    path("invitations/<uuid:key>/", invitations.sent, name="invitations_sent"),
    path("mon-entreprise/<slug:slug>/equipe/", team.team, name="team"),
    path("mon-entreprise/<slug:slug>/equipe/<int:pk>/", team.colleague, name="colleague"),
    path(
        "mon-entreprise/<slug:slug>/equipe/invitations/<int:pk>/",
        team.invitation,
        name="team_invitation",
    ),
    path("mon-entreprise/<slug:slug>/equipe/demandes/<int:pk>/", team.answer, name="team_claim"),
    # /donnees/
    path("donnees/", open_data.open_data, name="open_data"),
    path("donnees/telecharger/", exports.download, name="download"),
    path("donnees/changements.json", open_data.changes, name="changes"),
    path("donnees/schema.json", open_data.schema, name="schema"),
    path("secteurs/<slug:slug>/", landing.sector, name="sector"),
    path("villes/<slug:slug>/", landing.city, name="city"),
    path("regions/", landing.regions, name="regions"),
    path("regions/<slug:slug>/", landing.region, name="region"),
    # /confirmer/, /desabonnement/: what mails link to
    path("confirmer/<str:token>/", freshness.confirm, name="confirm"),
    path("desabonnement/<str:token>/", freshness.unsubscribe, name="unsubscribe"),
    # /appels/
    path("appels/", phone.phone_list, name="phone_list"),
    path("appels/<slug:slug>/", phone.phone_call, name="phone_call"),
    path("appels/<slug:slug>/prendre/", phone.take, name="phone_take"),
    # the site itself
    path("nouveautes/", news.news, name="news"),
    path("nouveautes/atom.xml", news.atom, name="atom"),
    path("a-propos/", about.about, name="about"),
    path("accessibilite/", about.accessibility, name="accessibility"),
    path("confidentialite/", about.privacy, name="privacy"),
    path("sitemap.xml", crawlers.sitemap, name="sitemap"),
    path("sitemap-<slug:name>.xml", crawlers.sitemap_section, name="sitemap_section"),
    path("robots.txt", crawlers.robots, name="robots"),
    path("opensearch.xml", crawlers.opensearch, name="opensearch"),
    path("opensearch.json", crawlers.opensearch_suggestions, name="opensearch_suggestions"),
    path(".well-known/security.txt", crawlers.security, name="security"),
]
