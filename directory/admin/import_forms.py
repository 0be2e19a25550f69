"""The forms of an import: the file and the right to write, then its columns."""

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from directory.facets import Dimension
from directory.gazetteer import Unfit
from directory.imports import mapping
from directory.imports.batches import given, is_here
from directory.imports.entries import short
from directory.imports.mapping import HERE
from directory.imports.rights import NONE
from directory.models import ConsentBasis, Enterprise, ImportBatch
from directory.resources import EnterpriseResource


class ConsentForm(forms.Form):
    """What allows writing to the addresses of a file: asked with it or, where it was left without
    an answer, with its columns."""

    basis = forms.ChoiceField(
        label=gettext_lazy("A-t-on le consentement aux courriels pour les adresses de ce fichier?"),
        help_text=gettext_lazy(
            "La loi anti-pourriel le demande pour tout message qui n’est pas un service demandé. "
            "Sans consentement, on téléphone."
        ),
        choices=[
            (
                ConsentBasis.Basis.EXPRESS,
                gettext_lazy("Oui, les entreprises y ont consenti expressément"),
            ),
            (
                ConsentBasis.Basis.PUBLISHED,
                gettext_lazy("Oui, elles publient elles-mêmes ces adresses"),
            ),
            (
                ConsentBasis.Basis.RELATIONSHIP,
                gettext_lazy("Oui, le Pôle est déjà en relation d’affaires avec elles"),
            ),
            (NONE, gettext_lazy("Non, ou on ne le sait pas")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Répondez pour tout le fichier.")},
    )
    basis_source = forms.CharField(
        label=gettext_lazy("D’où le sait-on?"),
        help_text=gettext_lazy("Par exemple\xa0: formulaire d’adhésion 2026, site de chacune."),
        max_length=240,
        required=False,
        # Of those who answer « non », to whom it is not shown, nothing is required.
        widget=forms.TextInput(attrs={"class": "vTextField", "required": True}),
    )

    def consent(self):
        return [self[name] for name in ("basis", "basis_source") if name in self.fields]

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("basis") == NONE:
            cleaned["basis_source"] = ""
        elif cleaned.get("basis") and not cleaned.get("basis_source"):
            self.add_error("basis_source", _("Dites d’où on le sait\xa0: la loi veut une preuve."))
        return cleaned


class UploadForm(ConsentForm):
    # The file of a form that came back, so that nobody has to choose it again.
    kept = forms.ModelChoiceField(ImportBatch.objects.none(), required=False)
    file = forms.FileField(
        label=gettext_lazy("Fichier"),
        max_length=200,
        help_text=gettext_lazy("CSV, XLSX ou ODS."),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.ods"}),
        error_messages={
            "required": gettext_lazy("Choisissez le fichier à importer."),
            "empty": gettext_lazy("Le fichier est vide."),
            "max_length": gettext_lazy("Le nom du fichier est trop long\xa0: abrégez-le."),
        },
    )

    def __init__(self, *args, by, **kwargs):
        super().__init__(*args, **kwargs)
        self.given = None
        self.fields["kept"].queryset = given(by)
        self.fields["file"].required = not self.data.get("kept")

    def clean(self):
        cleaned = super().clean()
        if not (cleaned.get("file") or cleaned.get("kept") or "file" in self.errors):
            self.add_error("file", _("Choisissez de nouveau le fichier."))
        return cleaned

    def keep(self, batch):
        """Come back with the file of this import as the one that was given."""
        self.given = batch
        self.fields["file"].required = False


class ColumnsForm(ConsentForm):
    """A choice for each heading of the file; what new listings get where it says nothing."""

    city = forms.CharField(
        label=gettext_lazy("Municipalité"),
        required=False,
        max_length=120,
        help_text=gettext_lazy("Nom officiel ou code géographique."),
    )
    legal_form = forms.ChoiceField(label=gettext_lazy("Forme juridique"), required=False)
    sectors = forms.ChoiceField(label=gettext_lazy("Secteur d’activité"), required=False)
    here = forms.BooleanField(
        label=gettext_lazy("Cette liste est du territoire du répertoire"),
        required=False,
        help_text=gettext_lazy(
            "Un nom que plusieurs municipalités portent est alors celui de la ville du répertoire, "
            "sans le demander\xa0; l’aperçu le dit à chaque ligne."
        ),
    )
    save_as = forms.CharField(
        label=gettext_lazy("Nom de cette correspondance"),
        required=False,
        max_length=80,
        help_text=gettext_lazy(
            "Elle sera proposée, avec vos réponses, pour le prochain fichier aux mêmes en-têtes."
        ),
    )
    DEFAULTS = ("city", "legal_form", "sectors")

    def __init__(self, data=None, *, batch, columns, saved):
        self.batch, self.resource = batch, EnterpriseResource()
        defaults = batch.defaults or (saved.defaults if saved else {})
        city = defaults.get("city", defaults.get("city_code", ""))
        kept = saved or batch.mapping
        named = {
            "city": city,
            "save_as": kept.name if kept else "",
            "here": is_here(batch) or bool(saved and saved.answers.get(HERE)),
        }
        super().__init__(data, initial=defaults | named)
        if batch.basis:
            del self.fields["basis"], self.fields["basis_source"]
        empty = ("", _("aucune"))
        self.fields["legal_form"].choices = [empty, *Enterprise.LegalForm.choices]
        sectors = self.resource.labels.of(Dimension.SECTOR)
        self.fields["sectors"].choices = [
            ("", _("aucun")),
            *((sector.key, sector.name) for sector in sectors),
        ]
        choices = [("", _("– laisser de côté –")), *self.choices()]
        for place, heading in enumerate(batch.header):
            self.fields[f"column-{place}"] = forms.ChoiceField(
                label=heading, choices=choices, required=False, initial=columns.get(heading) or ""
            )

    def choices(self):
        return [
            (name, mapping.label(name, self.resource)) for name in mapping.writable(self.resource)
        ]

    def headings(self):
        """Each heading: its choice, and what the first rows say under it."""
        rows = list(self.batch.rows.order_by("number").values_list("values", flat=True)[:30])
        for place, _heading in enumerate(self.batch.header):
            values = [row[place] for row in rows if place < len(row) and row[place]]
            examples = [short(value, 40) for value in dict.fromkeys(values)][:3]
            yield self[f"column-{place}"], examples

    def defaults(self):
        return [self[name] for name in self.DEFAULTS]

    def clean_city(self):
        text = self.cleaned_data["city"].strip()
        if text:
            try:
                self.resource.gazetteer.find(text, code=text if text.isdigit() else "")
            except Unfit as error:
                raise forms.ValidationError(str(error)) from None
        return text

    def clean(self):
        cleaned = super().clean()
        taken = {}
        for place, heading in enumerate(self.batch.header):
            name = cleaned.get(f"column-{place}")
            if name and name in taken:
                text = _("Déjà donnée à «\xa0%(heading)s\xa0»\xa0: gardez une seule des deux.")
                self.add_error(f"column-{place}", text % {"heading": taken[name]})
            taken.setdefault(name, heading)
        if not {"name", "neq", "slug"} & taken.keys() and not self.errors:
            raise forms.ValidationError(
                _("Dites quelle colonne donne le nom des entreprises, leur NEQ ou leur fiche.")
            )
        return cleaned

    def said(self):
        said = self.cleaned_data
        columns = {
            heading: said[f"column-{place}"] or None
            for place, heading in enumerate(self.batch.header)
        }
        defaults = {name: said[name] for name in self.DEFAULTS if said[name]}
        city = defaults.get("city", "")
        if city.isdigit():
            defaults["city_code"] = defaults.pop("city")
        name = said["save_as"].strip()
        return {
            **{"columns": columns, "defaults": defaults, "name": name, "here": said["here"]},
            **{"basis": said.get("basis", ""), "source": said.get("basis_source", "")},
        }
