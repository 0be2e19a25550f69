"""What a browser would send back of a form that nobody has filled in yet."""

import re
from html.parser import HTMLParser


class FormReader(HTMLParser):
    def __init__(self, form_id):
        super().__init__(convert_charrefs=True)
        self.form_id = form_id
        self.values = {}
        self.inside = False
        self.select = self.option = self.area = None

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.inside = attributes.get("id") == self.form_id
        if not self.inside:
            return
        name = attributes.get("name")
        if tag == "input" and name:
            kind = attributes.get("type", "text")
            if kind in ("checkbox", "radio"):
                if "checked" in attributes:
                    self.values.setdefault(name, []).append(attributes.get("value", "on"))
            elif kind not in ("submit", "button", "file", "image"):
                self.values.setdefault(name, []).append(attributes.get("value", ""))
        elif tag == "select":
            self.select, self.first = name, "multiple" not in attributes
            self.before = self.values.get(name, [])  # of others of that name
        elif tag == "option" and self.select:
            if "selected" in attributes:
                self.values[self.select] = [
                    *(self.before if self.first else self.values.get(self.select, [])),
                    attributes.get("value", ""),
                ]
            elif self.first and self.values.get(self.select, []) == self.before:
                self.values[self.select] = [*self.before, attributes.get("value", "")]
        elif tag == "textarea":
            self.area = name
            self.values[name] = [""]

    def handle_data(self, data):
        if self.area:
            self.values[self.area][0] += data

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False
        elif tag == "select":
            self.select = None
        elif tag == "textarea":
            self.area = None


def filled(response, form_id):
    """The fields of the form `form_id` of this page, as a dict to change and post back."""
    reader = FormReader(form_id)
    reader.feed(response.content.decode())
    assert reader.values, f"no form {form_id} in {response.request['PATH_INFO']}"
    # A browser drops the line break that HTML puts after <textarea>.
    return {
        name: [value.removeprefix("\n").removeprefix("\r\n") for value in values]
        for name, values in reader.values.items()
    }


def every_form(response):
    """Of each form of this page that is posted: its address, where it has one, and its fields."""
    html = response.content.decode()
    for opening, inside in re.findall(r"<form\b([^>]*)>(.*?)</form>", html, re.DOTALL):
        if 'method="post"' not in opening:
            continue
        reader = FormReader("it")
        reader.feed(f'<form id="it">{inside}</form>')
        action = re.search(r'action="([^"]*)"', opening)
        yield (
            action[1] if action else "",
            {
                name: [value.removeprefix("\n").removeprefix("\r\n") for value in values]
                for name, values in reader.values.items()
            },
            set(re.findall(r'\bname="([^"]+)"', inside)),
        )
