"""What leaves the site as a file."""

import re

#: How a spreadsheet recognises a formula, or is led to: signs, their full-width and small twins,
#: a tab or a return, after spaces seen or unseen. Apostrophes in front are ours, or like ours.
FORMULA = re.compile(
    r"'*[\s\u200b-\u200d\u2060\ufeff]*"
    r"(?:[=+\-@\u2212\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20]|(?<=[\t\r]))"
)


def neutralise(text: str) -> str:
    """`text` as a cell that no spreadsheet takes for a formula: an apostrophe goes before it where
    it could be taken for one, and one more before an apostrophe that already does so."""
    return f"'{text}" if FORMULA.match(text) else text


def restore(text: str) -> str:
    """What `neutralise` was given: `restore(neutralise(text)) == text`, whatever the text."""
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text
