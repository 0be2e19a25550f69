"""Whom to call."""

from collections.abc import Mapping
from typing import Any

from directory.fictional.content import Archetype
from directory.fictional.dice import Dice, Wheel
from directory.fictional.texts import address_label

OTHER_ROLES = ["operations", "admin"]
SALES_ROLES = ["sales", "bids"]
# Under this share of sales to cities, nobody is paid to sell to them.
HAS_SELLERS = 0.4


class People:
    def __init__(self, dice: Dice, common: Mapping[str, Any]):
        self.dice = dice
        self.functions = common["functions"]
        self.groups = Wheel([(group, group["weight"]) for group in common["people"]])

    def person(self) -> tuple[str, str, bool]:
        """First name, last name, and whether the function is written in the feminine."""
        dice = self.dice
        group = dice.turn(self.groups)
        feminine = dice.chance(0.56)
        first = dice.pick(group["feminine" if feminine else "masculine"])
        if dice.chance(0.12):
            group = dice.turn(self.groups)
        last = dice.pick(group["last"])
        while last == first:
            last = dice.pick(group["last"])
        return first, last, feminine

    def contacts(
        self, archetype: Archetype, label: str, size: str, phone: str
    ) -> list[dict[str, str]]:
        dice = self.dice
        roles = ["board" if size == "0" else "director"]
        if size == "0":
            roles += ["volunteer"] if dice.chance(0.3) else []
        elif size != "1-4" or dice.chance(0.3):
            others = OTHER_ROLES + (SALES_ROLES if archetype.sells >= HAS_SELLERS else [])
            roles += dice.some(others, dice.between(0, 2))
        rows: list[dict[str, str]] = []
        for role in roles:
            first, last, feminine = self.person()
            functions = dice.pick(self.functions[role])
            start = address_label(first)
            local = f"{start}.{address_label(last)}"
            if dice.chance(0.3):
                local = start[:1] + address_label(last)
            extension = str(dice.between(200, 489)) if phone and dice.chance(0.7) else ""
            rows.append(
                {
                    "name": f"{first} {last}",
                    "function": functions[0] if feminine else functions[-1],
                    "email": f"{local}@{label}.example" if dice.chance(0.9) else "",
                    "phone": phone if extension else "",
                    "extension": extension,
                    "name_visibility": "public" if dice.chance(0.85) else "buyers",
                    "email_visibility": dice.pick(["buyers"] * 7 + ["public"] * 2 + ["staff"]),
                    "phone_visibility": dice.pick(["buyers"] * 7 + ["public", "staff", "staff"]),
                }
            )
        return rows
