"""One line a record, in JSON so that a line break in a message cannot forge another, and without
e-mail addresses, telephone numbers, the links of mails, or what a person typed, which exceptions
like to quote."""

import contextvars
import json
import logging
import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl

# Set by the request's middleware, so that each line names the request it speaks of, and repeats
# nothing that was typed in its address or its form.
current_request = contextvars.ContextVar("current_request", default=None)

# The part before the @ has no limit but a start: linear, whatever the text.
EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}")
PHONE = re.compile(r"(?<!\d)(?:\+?1[ .-]?)?\(?\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}(?!\d)")
# PostgreSQL quotes the row that broke a rule, the value it cannot read, and the line of the
# statement that it is in, where what was typed may stand folded or joined to something else.
DETAIL = re.compile(r"(DETAIL: +)[^\n]*")
VALUE = re.compile(
    r"^((?:psycopg\.errors|django\.db\.utils)\.\w+: [^\n\"]*: \")[^\n]*", re.MULTILINE
)
STATEMENT = re.compile(r"^(LINE \d+: )[^\n]*", re.MULTILINE)
# What follows is a secret that a mail gave to one person: whoever reads the log could use it. Told
# by the path, as it also stands in lines written once the request is over, or before its page is
# known. A test asks that every such address of the site be here.
SECRET = re.compile(r"(/(?:invitation|confirmer|desabonnement)/)([^/\s\"'<>?&]+)")
# Line breaks that JSON leaves as they are.
BREAKS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}

# Characters: what is shorter is in every line, what is longer is in none.
SHORTEST_TYPED, MOST_TYPED = 4, 5_000
SHORTEST_TOKEN = 16


def without_personal_data(text):
    for quoted in (DETAIL, VALUE, STATEMENT):
        text = quoted.sub(r"\1[retiré]", text)
    return PHONE.sub("[téléphone]", EMAIL.sub("[courriel]", text))


def without_tokens(text, request):
    """Without what, in an address, lets whoever has it act: where it follows its path, and wherever
    else the line repeats what is in the address asked for."""
    for token in SECRET.findall(getattr(request, "path_info", "")):
        if len(token[1]) >= SHORTEST_TOKEN:  # what is shorter is nobody's, and may be in any line
            text = text.replace(token[1], "[jeton]")
    return SECRET.sub(r"\1[jeton]", text)


def without_what_was_typed(text):
    request = current_request.get()
    if request is None:
        return text
    pairs = parse_qsl(request.META.get("QUERY_STRING", "")[:MOST_TYPED])
    # The form only if it has been read: reading it here could be what fails.
    form = getattr(request, "_post", None) or {}
    pairs += [(name, value) for name in form for value in form.getlist(name)]
    typed = {value[:MOST_TYPED] for _, value in pairs if len(value) >= SHORTEST_TYPED}
    for value in sorted(typed, key=len, reverse=True):
        # As it is, and as Python quotes it in a message.
        text = text.replace(value, "[saisie]").replace(repr(value)[1:-1], "[saisie]")
    return text


class LineFormatter(logging.Formatter):
    def format(self, record):
        request = current_request.get()
        # Django says last of all what was refused, with the request beside.
        asked = request or getattr(record, "request", None)
        message = without_tokens(record.getMessage(), asked)
        if record.name != "site.request":  # whose line has the path, and nothing typed
            message = without_what_was_typed(message)
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request": getattr(request, "id", "-"),
            "message": without_personal_data(message),
        }
        if record.exc_info:
            traceback = without_what_was_typed(self.formatException(record.exc_info))
            line["traceback"] = without_personal_data(without_tokens(traceback, asked))
        return json.dumps(line, ensure_ascii=False).translate(BREAKS)
