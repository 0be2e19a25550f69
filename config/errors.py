"""Error pages in French that need no database: each says what happened and what to do."""

import logging
import sys

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from config.site import site

log = logging.getLogger("site.errors")

RETRY_AFTER = 30  # seconds

TEXTS = {
    400: (
        gettext_noop("Cette demande n’est pas lisible"),
        gettext_noop(
            "L’adresse ou le formulaire contient des caractères que le site ne peut pas lire."
        ),
        gettext_noop("Reprenez votre recherche depuis l’accueil."),
    ),
    403: (
        gettext_noop("Vous n’avez pas accès à cette page"),
        gettext_noop("Votre compte ne donne pas accès à cette page, ou le formulaire a expiré."),
        gettext_noop("Rechargez la page précédente et recommencez, ou écrivez-nous."),
    ),
    404: (
        gettext_noop("Cette page n’existe pas"),
        gettext_noop("L’adresse est peut-être incomplète, ou la page a été retirée."),
        gettext_noop("Cherchez l’entreprise, le produit ou le service qu’il vous faut."),
    ),
    413: (
        gettext_noop("Cet envoi est trop volumineux"),
        gettext_noop("Le fichier ou le formulaire dépasse la taille permise."),
        gettext_noop("Réduisez le fichier, puis recommencez."),
    ),
    414: (
        gettext_noop("Cette adresse est trop longue"),
        gettext_noop("La recherche contient trop de critères ou un texte trop long."),
        gettext_noop("Reprenez votre recherche avec quelques mots."),
    ),
    429: (
        gettext_noop("Trop de demandes en peu de temps"),
        gettext_noop("Le site a reçu de nombreuses demandes de votre part en peu de temps."),
        gettext_noop("Attendez une minute, puis recommencez."),
    ),
    500: (
        gettext_noop("Une erreur s’est produite"),
        gettext_noop(
            "La page n’a pas pu être affichée. Rien de ce que vous cherchiez n’est perdu."
        ),
        gettext_noop(
            "Réessayez. Si l’erreur revient, écrivez-nous en donnant le numéro ci-dessous."
        ),
    ),
    503: (
        gettext_noop("Le site est momentanément indisponible"),
        gettext_noop("Le service reprend d’habitude en quelques instants."),
        gettext_noop("Réessayez dans une minute."),
    ),
}


BARE = """<!DOCTYPE html>
<html lang="fr-CA"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><p>{message}</p><p>{advice}</p>
<p><a href="mailto:{pole_email}">{pole_email}</a></p><p>{request_id}</p></body></html>
"""


def page(request, status):
    """The error page for `status`, one of the keys of TEXTS; asks nothing of the database."""
    title, message, advice = TEXTS[status]
    request_id = getattr(request, "id", "")
    context = {
        "status": status,
        "title": _(title),
        "message": _(message),
        "advice": _(advice),
        "request_id": request_id,
        **site(request),
    }
    try:
        # No request in the context: its processors could ask the database who is signed in.
        html = render_to_string("error.html", context)
    except Exception:  # whatever broke the page may break this one: style files not collected…
        log.exception("The error page itself cannot be rendered.")
        html = format_html(BARE, pole_email=settings.POLE_EMAIL, **context)
    response = HttpResponse(html, status=status)
    response.headers["Cache-Control"] = "no-store"
    if status in {429, 503}:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


#: How the database fails: down, too slow, locked.
FAILED = OperationalError | InterfaceError


@login_not_required
def bad_request(request, exception):
    """Also what Django makes of a session that the database did not keep, which is no fault of the
    reader's (SessionInterrupted, raised while an error of the database was handled)."""
    if isinstance(exception, SessionInterrupted) and failed_database(exception):
        return page(request, 503)
    too_big = isinstance(exception, RequestDataTooBig | TooManyFilesSent)
    return page(request, 413 if too_big else 400)


def failed_database(error):
    while error is not None and not isinstance(error, FAILED):
        error = error.__context__
    return error is not None


@login_not_required
def permission_denied(request, exception):
    return page(request, 403)


@login_not_required
def csrf_failure(request, reason=""):
    return page(request, 403)


@login_not_required
def not_found(request, exception):
    return page(request, 404)


@login_not_required
def server_error(request):
    """503 when it is the database that failed (down, too slow, locked), else 500.

    Django calls this while the exception is being handled, from views and middlewares alike.
    """
    return page(request, 503 if isinstance(sys.exception(), FAILED) else 500)
