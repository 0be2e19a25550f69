"""One line a record, in JSON so that a line break in a message cannot forge another, and without
e-mail addresses or telephone numbers, which exceptions of the database like to quote."""

import contextvars
import json
import logging
import re
from datetime import UTC, datetime

# Set by the request's middleware, so that each line names the request it speaks of.
request_id = contextvars.ContextVar("request_id", default="-")

EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}")
PHONE = re.compile(r"(?<!\d)(?:\+?1[ .-]?)?\(?\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}(?!\d)")
# PostgreSQL quotes the row that broke a rule.
DETAIL = re.compile(r"(DETAIL: +)[^\n]*")


def without_personal_data(text):
    text = DETAIL.sub(r"\1[retiré]", text)
    return PHONE.sub("[téléphone]", EMAIL.sub("[courriel]", text))


class RequestFilter(logging.Filter):
    def filter(self, record):
        record.request_id = request_id.get()
        return True


class LineFormatter(logging.Formatter):
    def format(self, record):
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request": getattr(record, "request_id", "-"),
            "message": without_personal_data(record.getMessage()),
        }
        if record.exc_info:
            line["traceback"] = without_personal_data(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)
