from django.db import models
from django.utils.translation import gettext_lazy as _


class Counter(models.Model):
    """How often somebody did one thing within one span of time; see throttling.py, which alone
    writes here. Who it was cannot be read from it."""

    key = models.CharField(_("clé"), max_length=64, primary_key=True)
    hits = models.PositiveIntegerField(_("nombre"), default=1)
    expires_at = models.DateTimeField(_("jusqu’au"))

    class Meta:
        verbose_name = _("compteur")
        verbose_name_plural = _("compteurs")
        indexes = [models.Index(fields=["expires_at"], name="counter_expires_at")]

    def __str__(self):
        return f"{self.hits}"
