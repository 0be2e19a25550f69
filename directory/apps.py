from django.apps import AppConfig


class DirectoryConfig(AppConfig):
    name = "directory"
    verbose_name = "Répertoire"

    def ready(self):
        from directory import checks  # noqa: F401 its checks register themselves
