"""What is asked before a view works: the method, and the rights of whoever is of the Pôle."""

from functools import wraps

from django.http import Http404
from django.views.decorators.http import require_http_methods

from directory import roles

#: A page that holds a form, and what the form sends.
shown_or_sent = require_http_methods(["GET", "HEAD", "POST"])


def for_staff(*permissions):
    """Only for staff who have all these rights; to the others it does not exist."""

    def decorate(view):
        @wraps(view)
        def guarded(request, *args, **kwargs):
            if not roles.may(request.user, *permissions):
                raise Http404
            return view(request, *args, **kwargs)

        return guarded

    return decorate
