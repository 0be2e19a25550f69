from django.apps import AppConfig
from django.contrib.admin import apps as admin


class DirectoryConfig(AppConfig):
    name = "directory"
    verbose_name = "Répertoire"
    default = True

    def ready(self):
        from directory import (
            agreement,
            checks,  # noqa: F401 its checks register themselves
        )

        agreement.install()


class BackOfficeConfig(admin.AdminConfig):
    default = False
    default_site = "directory.back_office.Site"
