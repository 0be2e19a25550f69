"""Recognising an enterprise on the six principles of the law, and doing it again before it ends.

A renewal is a recognition of its own: the last one stays as it was. What is left to its form says
what was seen the last time, so that only what changed is typed; the principles are not ticked
beforehand, as each is to be checked again."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from directory import attention, wording
from directory.forms import TextField
from directory.models import Enterprise, Recognition, Representative
from directory.search import fold


class RecognitionForm(forms.ModelForm):
    criteria = forms.MultipleChoiceField(
        label=_("critères remplis"),
        help_text=_("Les six principes de la Loi sur l’économie sociale\xa0: tous sont exigés."),
        choices=Recognition.Criterion.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Cochez les principes que l’entreprise respecte.")},
    )
    evidence = TextField(
        label=_("pièces vues"),
        help_text=_("Statuts, lettres patentes, états financiers… Pour l’équipe seulement."),
        widget=forms.Textarea({"rows": 3}),
        error_messages={"required": _("Dites quelles pièces vous avez vues.")},
    )

    #: Who recognises; each admin says so of its own forms.
    by = None

    def clean(self):
        cleaned = super().clean()
        enterprise = self.cleaned_data.get("enterprise")
        key = enterprise.pk if enterprise else self.instance.enterprise_id
        theirs = Representative.objects.filter(enterprise=key, user=self.by)
        if self.has_changed() and theirs.exists():
            raise ValidationError(
                _("Vous représentez cette entreprise\xa0: une autre personne la reconnaît.")
            )
        return cleaned

    def clean_recognised_on(self):
        day = self.cleaned_data["recognised_on"]
        if day > timezone.localdate():
            raise ValidationError(_("Cette date n’est pas encore venue."))
        return day


class RenewalForm(RecognitionForm):
    seen = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = Recognition
        fields = ["criteria", "evidence", "recognised_on", "expires_on"]
        widgets = {
            name: forms.DateInput({"type": "date"}, format="%Y-%m-%d")
            for name in ("recognised_on", "expires_on")
        }

    def clean_criteria(self):
        criteria = self.cleaned_data["criteria"]
        if set(criteria) != set(Recognition.Criterion.values):
            raise ValidationError(_("Une entreprise reconnue remplit les six critères."))
        return criteria

    def clean(self):
        cleaned = super().clean()
        given, ends = cleaned.get("recognised_on"), cleaned.get("expires_on")
        if given and ends and ends <= given:
            text = _("La reconnaissance expire après le jour où elle est donnée.")
            self.add_error("expires_on", text)
        return cleaned


def as_long(last, day):
    """The end of a recognition given that day, for as many years as the last one."""
    years = max(1, round((last.expires_on - last.recognised_on).days / 365.25))
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)


def to_renew():
    """The enterprises whose recognition ends soon or has ended, in the order of their list."""
    return Enterprise.objects.published().filter(attention.recognised("renouveler"))


def onwards(request, enterprise):
    """To the next one of the list after this one, or to the list where none is left."""
    left = to_renew().exclude(pk=enterprise.pk).order_by("name__fold", "pk")
    following = left.filter(name__fold__gte=fold(enterprise.name)).first() or left.first()
    if following is None or "and_list" in request.POST:
        return redirect(attention.to_renew())
    return redirect("admin:directory_recognition_renew", following.pk)


def renew(model_admin, request, pk):
    """The page on which one recognition is renewed, then the next."""
    if not model_admin.has_add_permission(request):
        raise PermissionDenied
    enterprise = get_object_or_404(Enterprise, pk=pk)
    with transaction.atomic():
        if request.method == "POST":
            # Of two who renew it at once, the second sees the recognition of the first.
            Enterprise.objects.lock([pk])
        last = enterprise.recognitions.first()
        if last is None:
            raise Http404
        sent = request.POST if request.method == "POST" else None
        form = RenewalForm(sent, initial=prefilled(last))
        form.by, form.instance.enterprise = request.user, enterprise
        if form.is_bound and form.data.get("seen") != str(last.pk):
            text = gettext("La reconnaissance de «\xa0%(name)s\xa0» vient d’être renouvelée.")
            messages.warning(request, text % {"name": enterprise})
            return onwards(request, enterprise)
        if form.is_bound and form.is_valid():
            recognition = form.save(commit=False)
            model_admin.save_model(request, recognition, form, change=False)
            model_admin.log_addition(request, recognition, [{"added": {}}])
            left = to_renew().count()
            said = gettext("Reconnaissance renouvelée\xa0: %(name)s.") % {"name": enterprise}
            still = ngettext("Il en reste %(n)d.", "Il en reste %(n)d.", left) % {"n": left}
            messages.success(request, f"{said} {still}")
            return onwards(request, enterprise)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": gettext("Renouveler la reconnaissance"),
        "opts": model_admin.opts,
        "enterprise": enterprise,
        "last": last,
        "given": wording.day(last.recognised_on),
        "ends": wording.day(last.expires_on),
        "form": form,
        "back": attention.to_renew(),
        "page": reverse("admin:directory_enterprise_change", args=[pk]),
    }
    return TemplateResponse(request, "admin/directory/recognition/renew.html", context)


def prefilled(last):
    today = timezone.localdate()
    return {
        "evidence": last.evidence,
        "recognised_on": today,
        "expires_on": as_long(last, today),
        "seen": last.pk,
    }
