"""Words of addresses that stand for a choice."""

from directory.models import Section


class SectionPath:
    """A section of a listing, by its French name."""

    WORDS = {
        "identite": Section.IDENTITY,
        "offre": Section.OFFERINGS,
        "lieux": Section.PLACES,
        "capacite": Section.CAPACITY,
        "coordonnees": Section.CONTACTS,
        "logo": Section.LOGO,
    }
    regex = "|".join(WORDS)

    def to_python(self, value: str) -> str:
        return self.WORDS[value]

    def to_url(self, value: str) -> str:
        return next(word for word, section in self.WORDS.items() if section == value)
