"""Text that a program read in the wrong encoding before the file was made: « CafÃ© » for « Café ».

The file itself may be sound; only some of its cells are so. Signs are looked for one by one, as a
cell may have been mended in part since.
"""

import re

#: Programs that write UTF-8 are read by others as what Windows or an old Macintosh wrote.
CODECS = ("cp1252", "mac_roman")
#: The signs of French text that are no ASCII.
SIGNS = (
    "ÀÂÆÇÈÉÊËÎÏÔŒÙÛÜŸàâæçèéêëîïôœùûüÿ«»‘’“”–—…\xa0°·®©™€½"
    "•‰¹²³º\u202f\u2009ÖáãäåíñóõöøúÅØß"  # and those of names from elsewhere
)
#: Those that a capital and what may well follow it also make: « IRMÃ », « IRMÃ – », « SÃ » ».
AFTER_CAPITALS = {"Ã\xa0", "Ã»"}
CLOSING_CAPITALS = {"Ã”", "Ã–", "Ã…"}
#: What lost its last byte, which is no sign or a blank: « ” », and « à » at the end of a cell.
CUT = {"â€": "”", "Ã¢â‚¬Â": "”", "Ã": "à", "Ãƒ": "à", "ÃƒÂ": "à"}


def misreadings(text: str) -> set[str]:
    """What other programs make of a text; none where some byte is no sign to them."""
    read = {text.encode().decode(codec, "ignore") for codec in CODECS}
    return {one for one in read if len(one) == len(text.encode())}


def meant() -> dict[str, str]:
    """What each sign is misread as, once or twice → the sign, the longest first."""
    found = dict(CUT)
    for sign in SIGNS:
        for once in misreadings(sign):
            found |= dict.fromkeys({once, *misreadings(once)}, sign)
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def pattern(read: str) -> str:
    if read == "Ã":
        return r"(?<![A-ZÀ-Þ])Ã(?=\s|$)"
    if read in CUT:
        return re.escape(read) + (r"(?=[\s,.;:!?)]|$)" if CUT[read] == "”" else r"(?=\s|$)")
    if read in CLOSING_CAPITALS:
        return rf"(?:(?<![A-ZÀ-Þ]{{2}}){read}|{read}(?=\w))"
    guard = "(?<![A-ZÀ-Þ]{2})" if read in AFTER_CAPITALS else ""
    return guard + re.escape(read)


MEANT = meant()
#: Looks at what a sign may begin with before anything else: most cells have none.
MISREAD = re.compile(
    f"(?=[{''.join({read[0] for read in MEANT})}])(?:{'|'.join(map(pattern, MEANT))})"
)
#: What no sign is misread as, yet is not written so either: another alphabet, or bytes that
#: were lost with what cannot be seen, as those of « École » read as Latin-1.
DOUBTFUL = re.compile(
    "(?=[ÃÂâ])(?:â€|Â[¡-¿]|Ã[€‚ƒ„†‡ˆ‰Š‹ŒŽ˜™š›œžŸ¡-¨ª¬¯-¶¸-º¼-¿]|(?<=[a-zà-ÿ])Ã|(?<!\\w)Ã(?=[a-z]))"
)


def awry(text: str) -> bool:
    """Whether a text looks misread."""
    return not text.isascii() and bool(MISREAD.search(text) or DOUBTFUL.search(text))


def mended(text: str) -> str:
    """What a text said before it was misread; "" where it does not look misread, or where nobody
    can tell what it said."""
    if text.isascii() or not MISREAD.search(text):
        return ""
    meant = MISREAD.sub(lambda found: MEANT[found[0]], text).strip()
    return "" if awry(meant) else meant
