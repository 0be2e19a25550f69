"""A file imported by hand: given, its columns told, looked at, written, corrected, taken back."""

from functools import wraps
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from directory import wording
from directory.admin.import_forms import ColumnsForm, UploadForm
from directory.admin.import_questions import answers
from directory.admin.import_questions import asked as asked_above
from directory.admin.import_rows import SEVERAL, both_said, cities, shown, tabs
from directory.admin.search import SearchAdmin, folded
from directory.cells import joined
from directory.imports import batches, leftovers, undoing
from directory.imports.batches import Amendment, Busy
from directory.imports.bounds import Refused
from directory.imports.entries import Outcome
from directory.imports.rows import REMOVED, RESTORED, STAYED
from directory.models import ImportBatch, SavedMapping

State = ImportBatch.State
#: Rows of a page: each is a form.
PER_PAGE = 25
#: Template → the step it is.
STEPS = {"upload": "file", "columns": "columns", "batch": "rows"}
FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def step(view):
    """A page of one import: found, or 404; for those who may import."""

    @wraps(view)
    def opened(self, request, pk, **kwargs):
        if not self.has_add_permission(request):
            raise PermissionDenied
        batch = ImportBatch.objects.filter(pk=pk).first()
        if batch is None:
            raise Http404
        return view(self, request, batches.look(batch), **kwargs)

    return opened


def undone(done):
    """What undoing an import did, in a few words."""
    counts = [done[name] for name in (REMOVED, RESTORED, STAYED)]
    texts = [
        ngettext("%(n)d fiche retirée", "%(n)d fiches retirées", counts[0]),
        ngettext("%(n)d fiche remise comme avant", "%(n)d fiches remises comme avant", counts[1]),
        ngettext(
            "%(n)d fiche restée telle quelle, en tout ou en partie",
            "%(n)d fiches restées telles quelles, en tout ou en partie",
            counts[2],
        ),
    ]
    said = [text % {"n": n} for text, n in zip(texts, counts, strict=True) if n]
    return wording.enumeration(said) if said else _("aucune fiche n’était à remettre")


@admin.register(ImportBatch)
class ImportBatchAdmin(SearchAdmin):
    list_display = ["file_name", "state", "result", "by", "created_at", "applied_at"]
    list_filter = ["state", "by", "created_at"]
    list_select_related = ["by"]
    search_fields = folded("file_name")
    date_hierarchy = "created_at"
    actions = None

    @admin.display(description=gettext_lazy("résultat"))
    def result(self, batch):
        parts = [f"{tab['number']}\xa0{tab['label']}" for tab in tabs(batch) if tab["number"]]
        return ", ".join(parts) or _("colonnes à vérifier")

    def has_delete_permission(self, request, obj=None):
        """Nobody forgets how to undo what is written; what is not, who gave it may take back."""
        if obj is not None and obj.state == State.APPLIED:
            return False
        return self.has_add_permission(request)

    def get_urls(self):
        wrap = self.admin_site.admin_view
        pages = [
            ("colonnes/", self.columns_view, "columns"),
            ("lignes/", self.rows_view, "rows"),
            ("importer/", self.apply_view, "apply"),
            ("annuler/", self.undo_view, "undo"),
            ("reprendre/", self.take_up_view, "take_up"),
            ("a-corriger.<str:form>", self.leftovers_view, "leftovers"),
        ]
        return [
            path(f"<int:pk>/{route}", wrap(view), name=f"directory_importbatch_{name}")
            for route, view, name in pages
        ] + super().get_urls()

    def page(self, request, name, batch=None, status=200, **context):
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "batch": batch,
            "step": STEPS.get(name, ""),
            **context,
        }
        template = f"admin/directory/importbatch/{name}.html"
        return TemplateResponse(request, template, context, status=status)

    def to(self, batch, query=""):
        return redirect(reverse("admin:directory_importbatch_change", args=[batch.pk]) + query)

    # --- The file, then its columns

    def add_view(self, request, form_url="", extra_context=None):
        if not self.has_add_permission(request):
            raise PermissionDenied
        bound = (request.POST, request.FILES) if request.method == "POST" else ()
        form = UploadForm(*bound, by=request.user)
        if bound:
            form.full_clean()
            batch, said = self.received(form, request.user), form.cleaned_data
            if batch and form.is_valid():
                try:
                    batches.allow(pk=batch.pk, basis=said["basis"], source=said["basis_source"])
                except (Refused, Busy) as error:
                    messages.error(request, str(error) or busy())
                    return self.to(batch)
                self.say_twice(request, batch)
                return redirect("admin:directory_importbatch_columns", pk=batch.pk)
            if batch:
                form.keep(batch)
        title = _("Importer un fichier d’entreprises")
        return self.page(
            request, "upload", form=form, title=title, most=wording.number(batches.MOST_ROWS)
        )

    def received(self, form, by):
        """The file of the form, read whatever is wrong with the other answers, or the one that was
        kept of it."""
        file = form.cleaned_data.get("file")
        if file is None:
            return form.cleaned_data.get("kept")
        with NamedTemporaryFile() as copy:
            for chunk in file.chunks():
                copy.write(chunk)
            copy.flush()
            try:
                return batches.receive(path=Path(copy.name), name=file.name, by=by)
            except Refused as error:
                form.add_error("file", str(error))
                form.add_error("file", _("Choisissez de nouveau le fichier, une fois corrigé."))
                return None

    def say_twice(self, request, batch):
        same = ImportBatch.objects.filter(digest=batch.digest, state=State.APPLIED)
        if same.exclude(pk=batch.pk).exists():
            text = _("Ce fichier a déjà été importé\xa0: ce qui n’a pas changé restera tel quel.")
            messages.warning(request, text)

    @step
    def columns_view(self, request, batch):
        if batch.state not in (State.READ, State.FAILED):
            return self.to(batch)
        columns, saved = batches.proposed_columns(batch)
        form = ColumnsForm(request.POST or None, batch=batch, columns=columns, saved=saved)
        if request.method == "POST" and form.is_valid():
            try:
                batches.understand(pk=batch.pk, **form.said())
            except (Refused, Busy) as error:
                form.add_error(None, str(error) or busy())
            else:
                return self.to(batch)
        return self.page(
            *(request, "columns", batch),
            form=form,
            saved=saved,
            title=_("Colonnes de %(file)s") % {"file": batch.file_name},
        )

    # --- Its rows

    def change_view(self, request, object_id, form_url="", extra_context=None):
        batch = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, batch):
            raise PermissionDenied
        if batch is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.method == "POST" and not self.has_change_permission(request, batch):
            raise PermissionDenied
        batch = batches.look(batch)
        if not batch.columns:
            if self.has_add_permission(request):
                return redirect("admin:directory_importbatch_columns", pk=batch.pk)
            raise Http404
        return self.rows_page(request, batch)

    def rows_page(self, request, batch, conflicts=(), status=200):
        listed = tabs(batch)
        chosen = request.GET.get("voir")
        first = next((tab for tab in listed if tab["number"]), listed[0])
        tab = next((tab for tab in listed if tab["name"] == chosen), first)
        rows = batch.rows.select_related("enterprise").order_by("number")
        rows = rows.filter(**tab["rows"])
        page = Paginator(rows, PER_PAGE).get_page(request.GET.get("p"))
        good = sum(batch.counts.get(outcome, 0) for outcome in (Outcome.CREATED, Outcome.UPDATED))
        may = self.has_add_permission(request) and batch.state != State.UNDONE
        asked = asked_above(batch) if may and tab["name"] == "refused" else None
        items = shown(batch, page.object_list)
        return self.page(
            *(request, "batch", batch, status),
            title=batch.file_name,
            tabs=listed,
            tab=tab,
            page_obj=page,
            rows=items,
            asked=asked,
            cities=cities(items, asked),
            good=good if batch.state != State.APPLIED else 0,
            left=sum(batch.counts.get(name, 0) for name in ("proposed", "refused")),
            may=may,
            may_take_up=self.has_add_permission(request) and batch.state == State.UNDONE,
            written=batch.state in (State.APPLIED, State.UNDONE),
            conflicts=conflicts,
            query=f"?voir={tab['name']}",
        )

    @step
    def rows_view(self, request, batch):
        if request.method != "POST":
            return self.to(batch)
        try:
            done = batches.amend(
                pk=batch.pk,
                amendments=amendments(request.POST),
                answers=answers(request.POST),
                by=request.user,
            )
        except (Refused, Busy) as error:
            messages.error(request, str(error) or busy())
            return self.to(batch)
        if done.wrong:
            text = _("Réponses qui n’ont pu être prises, à refaire\xa0: %(answers)s")
            messages.error(request, text % {"answers": "\xa0; ".join(done.wrong)})
        if done.summary:
            self.say_written(request, done.summary)
        else:
            messages.success(request, _("Corrections enregistrées, toutes les lignes revues."))
        if done.conflicts:
            both = [both_said(done.batch, conflict) for conflict in done.conflicts]
            return self.rows_page(request, done.batch, both, status=409)
        return self.to(batch, f"?voir={request.GET.get('voir', '')}")

    # --- Written, and taken back

    @step
    def apply_view(self, request, batch):
        if request.method == "POST":
            try:
                self.say_written(request, batches.apply(pk=batch.pk, by=request.user))
            except (Refused, Busy) as error:
                messages.error(request, str(error) or busy())
        return self.to(batch)

    def say_written(self, request, summary):
        count = summary.counts[Outcome.CREATED] + summary.counts[Outcome.UPDATED]
        left = summary.counts[Outcome.PROPOSED] + summary.counts[Outcome.REFUSED]
        text = ngettext(
            "%(n)d ligne enregistrée\xa0; les nouvelles fiches sont des brouillons.",
            "%(n)d lignes enregistrées\xa0; les nouvelles fiches sont des brouillons.",
            count,
        )
        if count:
            messages.success(request, text % {"n": count})
        if left:
            text = ngettext(
                "%(n)d ligne attend une correction.", "%(n)d lignes attendent une correction.", left
            )
            messages.warning(request, text % {"n": left})
        elif not count:
            messages.info(request, _("Il n’y avait rien de plus à enregistrer."))

    @step
    def undo_view(self, request, batch):
        if request.method == "POST":
            try:
                done = undoing.undo(pk=batch.pk, by=request.user)
            except (Refused, Busy) as error:
                messages.error(request, str(error) or busy())
            else:
                text = _("Import annulé\xa0: %(done)s.")
                messages.success(request, text % {"done": undone(done)})
            return self.to(batch)
        if batch.state != State.APPLIED:
            return self.to(batch)
        title = _("Annuler l’import de %(file)s") % {"file": batch.file_name}
        return self.page(request, "undo", batch, title=title)

    @step
    def take_up_view(self, request, batch):
        if request.method != "POST":
            return self.to(batch)
        try:
            again = batches.take_up(pk=batch.pk, by=request.user)
        except (Refused, Busy) as error:
            messages.error(request, str(error) or busy())
            return self.to(batch)
        text = _("Le fichier est repris, avec ses corrections\xa0: rien n’est encore enregistré.")
        messages.success(request, text)
        return self.to(again)

    @step
    def leftovers_view(self, request, batch, form):
        if form not in FORMATS or not batch.columns:
            raise Http404
        if request.method != "GET":
            return HttpResponse(status=405, headers={"Allow": "GET"})
        content = leftovers.as_csv(batch) if form == "csv" else leftovers.as_workbook(batch)
        name = f"a-corriger-{batch.pk}.{form}"
        return HttpResponse(
            content,
            content_type=FORMATS[form],
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "no-store",
            },
        )


def busy():
    return _("Quelqu’un enregistre cet import en ce moment\xa0: rechargez la page dans un instant.")


def amendments(post):
    """What a form of rows says of each: « 12-phone » is the cell « phone » of the row of key 12,
    « 12-sectors[] » one of the things that its cell « sectors » says."""
    texts, acts = {}, {}
    for field, value in post.items():
        key, dash, name = field.partition("-")
        if not (dash and key.isascii() and key.isdigit() and len(key) < 19):
            continue
        if name.endswith(SEVERAL):
            name = name.removesuffix(SEVERAL)
            value = joined(filter(None, post.getlist(field)))
        if name.startswith("_"):
            acts.setdefault(int(key), {})[name] = value
        else:
            texts.setdefault(int(key), {})[name] = value
    found = {}
    for key in texts.keys() | acts.keys():
        said, act = texts.get(key, {}), acts.get(key, {})
        choice = act.get("_choice", "")
        if choice.startswith("="):
            said["slug"] = choice[1:]
        aside = {"aside": True, "back": False}.get(choice)
        found[key] = Amendment(said, act.get("_seen", ""), aside, undecided=choice == "undecided")
    return found


@admin.register(SavedMapping)
class SavedMappingAdmin(SearchAdmin):
    """Kept by an import, under its name; renamed or forgotten here."""

    list_display = ["name", "updated_at"]
    search_fields = folded("name")
    fields = ["name", "said", "updated_at"]
    readonly_fields = ["said", "updated_at"]

    @admin.display(description=gettext_lazy("colonnes"))
    def said(self, saved):
        from directory.imports.mapping import label
        from directory.resources import EnterpriseResource

        resource = EnterpriseResource()
        return "\n".join(
            f"{heading} → {label(name, resource) if name else _('laissée de côté')}"
            for heading, name in saved.columns.items()
        )

    def has_add_permission(self, request):
        return False
