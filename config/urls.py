from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("directory.urls")),
    path("compte/", include("directory.account_urls")),
    path("sante/", include("config.health")),
    path("admin/", admin.site.urls),
]
if settings.DEMO_SIGN_IN:
    urlpatterns += [path("demo/", include("directory.demo_urls"))]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
