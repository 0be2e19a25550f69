from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models.functions import Random
from django.utils.translation import gettext_lazy as _

from directory.models.enterprises import Enterprise


class Listing(models.Model):
    """One narrow row per published enterprise: all that a results page needs.

    The database alone writes it (sql/listing.sql: a view says what each row must hold, triggers
    on the source tables keep it so), and `manage.py check_integrity` compares the two. Nothing
    here depends on today's date: what has expired is decided by the query that reads it.
    """

    # Not a real key: the trigger that empties a row may run before the enterprise is gone.
    enterprise = models.OneToOneField(
        Enterprise,
        models.DO_NOTHING,
        verbose_name=_("entreprise"),
        primary_key=True,
        related_name="+",
        db_constraint=False,
    )
    neq = models.CharField(_("NEQ"), max_length=10, null=True)  # noqa: DJ001 as in Enterprise
    # Folded, so that bytes sort it as people do, whatever the server's locale.
    sort_name = models.TextField(_("nom"), db_collation="C")
    # Every word, with its place: what is found.
    search = SearchVectorField()
    # The words of names (A), of what is offered (B) and of labels (C): what is more relevant. Small
    # enough to stay in the row, where reading a thousand costs little.
    keywords = SearchVectorField()
    # Dimension × 1,000,000 + number of the row: sector, region, MRC, city, form, benefit, category.
    facets = ArrayField(models.IntegerField(), verbose_name=_("facettes"))
    # Where it works, coded as `facets`; 0 is the whole province.
    territory = ArrayField(models.IntegerField(), verbose_name=_("territoire"))
    # Certified statuses and the last day of each (9999-12-31 where it does not expire), in pairs.
    statuses = ArrayField(models.IntegerField(), verbose_name=_("statuts"))
    statuses_until = ArrayField(models.DateField(), verbose_name=_("statuts jusqu’au"))
    recognised_on = models.DateField(_("reconnue le"), null=True)
    recognised_until = models.DateField(_("reconnue jusqu’au"), null=True)
    confirmed_on = models.DateField(_("confirmée le"), null=True)
    published_on = models.DateField(_("publiée le"))
    latitude = models.FloatField(_("latitude"))
    longitude = models.FloatField(_("longitude"))
    # Neutral order: drawn when the enterprise is first published, drawn again every month.
    position = models.FloatField(_("ordre neutre"), db_default=Random())
    card = models.JSONField(_("carte"))

    class Meta:
        verbose_name = _("fiche publiée")
        verbose_name_plural = _("fiches publiées")
        indexes = [
            # A save leaves its words in a list, and those of some eighty are put in their places at
            # once: one by one they cost more than the rest. The list is short: searches read it.
            GinIndex(
                fields=["search"],
                name="listing_search",
                fastupdate=True,
                gin_pending_list_limit=256,
            ),
            GinIndex(fields=["facets"], name="listing_facets", fastupdate=False),
            GinIndex(fields=["statuses"], name="listing_statuses", fastupdate=False),
            GinIndex(fields=["territory"], name="listing_territory", fastupdate=False),
            models.Index(fields=["position", "enterprise"], name="listing_position"),
            models.Index(fields=["sort_name", "enterprise"], name="listing_sort_name"),
            models.Index(fields=["-published_on", "-enterprise"], name="listing_published_on"),
            # With what a map counts and names: it reads the index alone.
            models.Index(
                fields=["latitude", "longitude"], include=["enterprise"], name="listing_place"
            ),
            models.Index(fields=["neq"], name="listing_neq"),
        ]

    def __str__(self):
        return self.sort_name
