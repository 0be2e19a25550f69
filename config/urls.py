from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("directory.urls")),
    path("compte/", include("directory.urls.accounts")),
    path("sante/", include("config.health")),
    path("admin/", admin.site.urls),
]
if settings.DEMO_SIGN_IN:
    urlpatterns += [path("demo/", include("directory.urls.demo"))]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
