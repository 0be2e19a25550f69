"""NEQ and phone numbers that belong to nobody."""

from directory.fictional.dice import Dice
from directory.fictional.places import Place

NEQ_SPACE = 4_000_000
# Numbers of the fictional range, per area code.
FICTIONAL_LINES = 100


def neq(index: int, *, valid: bool = True) -> str:
    """The index-th fictional NEQ: prefix 11, third digit 0 to 3, Luhn on the last eight digits."""
    body = f"{index % NEQ_SPACE:07d}"
    total = 0
    for position, character in enumerate(reversed(body)):
        digit = int(character)
        if position % 2 == 0:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    check = -total % 10
    return f"11{body}{check if valid else (check + 5) % 10}"


class Numbers:
    """What was given in one run."""

    def __init__(self, dice: Dice):
        self.dice = dice
        self.neq_start = dice.random.randrange(NEQ_SPACE)
        self.lines: dict[str, list[str]] = {}
        self.given: dict[str, int] = {}

    def neq(self, rank: int) -> str:
        missing, wrong = self.dice.chance(0.08), self.dice.chance(0.03)
        # 1,234,567 shares no factor with four million: every rank has its own number.
        index = (self.neq_start + rank * 1_234_567) % NEQ_SPACE
        return "" if missing else neq(index, valid=not wrong)

    def phone(self, place: Place) -> tuple[str, str]:
        """A number and its extension; those that share a number have distinct extensions."""
        dice = self.dice
        if dice.chance(0.05):
            return "", ""
        key = place.area_codes[0]
        if key not in self.lines:
            self.lines[key] = [
                f"+1{code}55501{line:02d}"
                for code in place.area_codes
                for line in range(FICTIONAL_LINES)
            ]
            dice.random.shuffle(self.lines[key])
        lines, given = self.lines[key], self.given.get(key, 0)
        self.given[key] = given + 1
        turn, position = divmod(given, len(lines))
        if turn:
            return lines[position], str(200 + turn)
        return lines[position], str(dice.between(100, 189)) if dice.chance(0.2) else ""
