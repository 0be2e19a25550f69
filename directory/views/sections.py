"""A section of a listing is edited: typed, looked at, kept for later, sent."""

import secrets
from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from directory import drafts, revisions, sections, state, throttling, uploads, wording
from directory.editing.editor import KEY, SEEN, Editor, another_row
from directory.models import Enterprise, Section
from directory.revisions import Conflict
from directory.throttling import Limit
from directory.views.gone import at_its_address
from directory.views.guards import shown_or_sent
from directory.views.mine import seen_by_buyers, while_it_is_theirs

OWNER = Enterprise.Source.OWNER
#: The button that was pressed, and what it does.
ACT, SEND, LOOK, KEEP, DISCARD, ADD = (
    *("faire", "envoyer", "apercu", "brouillon", "jeter", "ajouter"),
)
#: Of a field in conflict, « theirs », or « yours: » and the digest of theirs that was read.
CHOICE = "garder-"
BESIDES = {ACT, "csrfmiddlewaretoken"}
#: What a person typed whose session had ended: kept with the session they then open.
TYPED_BEFORE, LARGEST = "saisie", 200_000
LIMITS = [Limit(20, timedelta(hours=1))]


@shown_or_sent
@login_not_required  # asked for below, once what was typed is safe
@never_cache
@at_its_address(Enterprise.objects.editable_by)
@while_it_is_theirs
def section(request, slug, section):
    if not request.user.is_authenticated:
        return keep_and_ask_to_sign_in(request)
    enterprise = get_object_or_404(
        Enterprise.objects.editable_by(request.user).select_related("city", "borough"), slug=slug
    )
    if section == Section.LOGO:
        return logo(request, enterprise)
    labels = state.current().labels
    if request.method != "POST":
        return begin(request, enterprise, section, labels)
    act, _colon, field = request.POST.get(ACT, "").partition(":")
    if act == DISCARD:
        drafts.discard(enterprise=enterprise, section=section, by=request.user)
        messages.success(request, _("Le brouillon est jeté. La fiche reste comme elle est."))
        return redirect("directory:section", slug, section)
    editor = Editor(section, enterprise, labels, request.POST)
    if act == ADD and field in editor.sets:
        most = editor.sets[field].absolute_max
        data = another_row(drafts.typed(request.POST, BESIDES), field, most)
        editor = Editor(section, enterprise, labels, drafts.as_sent(data))
        editor.quiet(added=field)
        return show(request, editor)
    if act == KEEP:
        keep_draft(request, editor)
        messages.success(request, _("Brouillon enregistré. Rien n’est encore changé sur la fiche."))
        return redirect("directory:section", slug, section)
    if not editor.is_valid():
        return show(request, editor)
    return (look if act == LOOK else send)(request, editor)


def keep_and_ask_to_sign_in(request):
    path = request.get_full_path()
    if request.method == "POST":
        data = drafts.typed(request.POST, BESIDES)
        client = throttling.address(request)
        small = sum(len(text) for texts in data.values() for text in texts) <= LARGEST
        if small and not throttling.admit(purpose="typed", client=client, limits=LIMITS):
            request.session[TYPED_BEFORE] = {"path": path, "data": data}
    return redirect_to_login(path)


def begin(request, enterprise, section, labels):
    """The section as it is, or as the person left it."""
    before = request.session.get(TYPED_BEFORE)
    if before and before["path"] == request.path:
        del request.session[TYPED_BEFORE]
        editor = Editor(section, enterprise, labels, drafts.as_sent(before["data"]))
        keep_draft(request, editor, before["data"])
        return show(request, quiet(editor), found=_("Votre session s’était fermée"))
    draft = drafts.find(enterprise=enterprise, section=section, by=request.user)
    if not draft:
        return show(request, Editor(section, enterprise, labels))
    editor = quiet(Editor(section, enterprise, labels, drafts.as_sent(draft.data)))
    said = _("Vous aviez commencé le %(day)s") % {
        "day": wording.day(timezone.localdate(draft.updated_at))
    }
    return show(request, editor, found=said)


def quiet(editor):
    editor.quiet()
    return editor


def keep_draft(request, editor, data=None):
    drafts.save(
        enterprise=editor.enterprise,
        section=editor.section,
        by=request.user,
        data=drafts.typed(request.POST, BESIDES) if data is None else data,
        version=editor.version,
    )


def show(request, editor, found=""):
    context = {
        "enterprise": editor.enterprise,
        "section": Section(editor.section),
        "editor": editor,
        "found": found,
        "errors": editor.mistakes,
        "waiting": [
            {"label": sections.LABELS[name], "lines": sections.shown(name, said, editor.labels)}
            for name, said in proposed(editor).items()
        ],
    }
    return render(request, "directory/section.html", context)


def proposed(editor):
    """What waits of the fields of this section, the latest of each."""
    return {
        name: said["proposed"]
        for revision in revisions.waiting(editor.enterprise)
        if revision.section == editor.section
        for name, said in revision.changes.items()
    }


def chosen(request, editor):
    """What the person wants of each field: all they typed, but where they chose another's."""
    said = editor.said()
    for name in list(said):
        choice, _colon, read = request.POST.get(CHOICE + name, "").partition(":")
        if choice == "theirs":
            del said[name]
        elif choice == "yours":
            editor.seen[name] = read[:16]
    return said


def look(request, editor):
    """The listing as it would be, and what of it would wait."""
    keep_draft(request, editor)
    enterprise, current = editor.enterprise, state.current()
    now, waits = revisions.foresee(
        enterprise=enterprise,
        section=editor.section,
        changes=chosen(request, editor),
        by=request.user,
        source=OWNER,
        seen=editor.seen,
    )
    try:
        with sections.tried(
            enterprise=enterprise,
            section=editor.section,
            changes=now | waits,
            by=request.user,
            source=OWNER,
        ):
            page = seen_by_buyers(enterprise, current)
    except ValidationError as error:
        editor.refuse(error.message_dict)
        return show(request, editor)
    context = {
        "enterprise": enterprise,
        "section": Section(editor.section),
        "e": page,
        "sent": sent_again(request, choices=True),
        "understood": editor.understood,
        "now": [sections.LABELS[name] for name in now],
        "waits": [sections.LABELS[name] for name in waits],
    }
    return render(request, "directory/preview.html", context)


def sent_again(request, choices=False):
    """The fields of the form, for a page that sends them on without showing them; with or without
    what was chosen where two had changed the same field."""
    return [
        {"name": name, "value": value}
        for name, values in drafts.typed(request.POST, BESIDES).items()
        for value in values
        if choices or not name.startswith(CHOICE)
    ]


def send(request, editor):
    enterprise = editor.enterprise
    try:
        outcome = revisions.submit(
            enterprise=enterprise,
            section=editor.section,
            changes=chosen(request, editor),
            base_version=editor.version,
            by=request.user,
            source=OWNER,
            key=editor.key,
            seen=editor.seen,
        )
    except Conflict as conflict:
        keep_draft(request, editor)
        return differ(request, editor, conflict)
    except ValidationError as error:
        editor.refuse(error.message_dict)
        return show(request, editor)
    drafts.discard(enterprise=enterprise, section=editor.section, by=request.user)
    messages.success(request, " ".join([done(enterprise, outcome), *editor.understood]))
    return redirect("directory:mine_listing", enterprise.slug)


def done(enterprise, outcome):
    """What became of what was sent, in one or two sentences."""
    said = []
    if outcome.applied:
        published = enterprise.state == Enterprise.State.PUBLISHED
        if outcome.waiting:
            names = [wording.within(str(sections.LABELS[name])) for name in outcome.applied.changes]
            text = _("Publié\xa0: %(fields)s.") if published else _("Enregistré\xa0: %(fields)s.")
            said.append(text % {"fields": wording.enumeration(names)})
        else:
            said.append(_("C’est publié.") if published else _("C’est enregistré."))
    if outcome.since:
        names = [wording.within(str(sections.LABELS[name])) for name in outcome.since]
        text = _(
            "Ce formulaire avait déjà été envoyé, et ceci a changé depuis\xa0: %(fields)s. Voyez "
            "ce que dit la fiche."
        )
        said.append(text % {"fields": wording.enumeration(names)})
    if outcome.waiting:
        names = [wording.within(str(sections.LABELS[name])) for name in outcome.waiting.changes]
        text = _("Le Pôle vérifie avant de publier\xa0: %(fields)s.")
        said.append(text % {"fields": wording.enumeration(names)})
    return " ".join(said) or _("Rien n’était à changer\xa0: la fiche dit déjà cela.")


def differ(request, editor, conflict):
    """Both versions of each field that somebody else changed meanwhile."""
    last = editor.enterprise.history.select_related("history_user").first()
    by = last.history_user if last else None
    theirs = (
        str(by)
        if by and Enterprise.objects.editable_by(by).filter(pk=editor.enterprise.pk)
        else _("le Pôle")
    )
    context = {
        "enterprise": editor.enterprise,
        "section": Section(editor.section),
        "by": theirs,
        "day": last and wording.day(timezone.localdate(last.history_date)),
        "time": last and date_format(timezone.localtime(last.history_date), "TIME_FORMAT"),
        "fields": [
            {
                "name": CHOICE + name,
                "label": sections.LABELS[name],
                "theirs": sections.shown(name, both.theirs, editor.labels),
                "yours": sections.shown(name, both.yours, editor.labels),
                "value": f"yours:{sections.digest(both.theirs)}",
            }
            for name, both in conflict.fields.items()
        ],
        "sent": sent_again(request),
    }
    return render(request, "directory/conflict.html", context, status=409)


def logo(request, enterprise):
    """A logo is sent at once: there is nothing else to write."""
    context = {
        "enterprise": enterprise,
        "section": Section.LOGO,
        "errors": [],
        "logo_url": enterprise.logo and reverse("directory:logo", args=[enterprise.logo.name]),
        "key": secrets.token_urlsafe(12),
        "seen": sections.digest(enterprise.logo.name or ""),
    }
    if request.method != "POST":
        return render(request, "directory/section_logo.html", context)
    try:
        name = chosen_logo(request, enterprise)
    except uploads.Refused as refusal:
        context["errors"] = [{"text": str(refusal), "at": "fichier"}]
        return render(request, "directory/section_logo.html", context)
    try:
        outcome = revisions.submit(
            enterprise=enterprise,
            section=Section.LOGO,
            changes={"logo": name},
            base_version=enterprise.version,
            by=request.user,
            source=OWNER,
            key=request.POST.get(KEY, "")[:64],
            seen={"logo": request.POST.get(SEEN, "")[:16]},
        )
    except Conflict:  # the same form sent twice, or a colleague's
        uploads.discard(name)
        messages.info(request, _("Le logo vient d’être changé\xa0: voyez s’il est le bon."))
    except Exception:
        uploads.discard(name)
        raise
    else:
        messages.success(request, done(enterprise, outcome))
    return redirect("directory:mine_listing", enterprise.slug)


def chosen_logo(request, enterprise):
    """The name of the logo that was sent, "" for none. Raises uploads.Refused."""
    if "retirer" in request.POST:
        return ""
    upload = request.FILES.get("fichier")
    if not upload:
        raise uploads.Refused(_("Choisissez un fichier PNG, JPEG ou WebP."))
    if throttling.admit(purpose="logo", client=str(enterprise.pk), limits=uploads.LIMITS):
        raise uploads.Refused(_("Vous avez envoyé beaucoup de logos aujourd’hui. Revenez demain."))
    return uploads.keep_logo(upload)
