"""What enterprises sell, hold and have done."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from directory.fictional.content import Archetype
from directory.fictional.dice import Dice
from directory.fictional.texts import Voice

SHARED_BENEFITS = ["gouvernance-democratique", "lien-social", "approvisionnement-local"]
# Under these shares of sales to cities, an enterprise says nothing of what it can deliver,
# and has few offerings to show.
TELLS_ITS_CAPACITY = 0.3
SELLS_LITTLE = 0.2

Rows = list[dict[str, Any]]


class Trade:
    """The trade of the enterprises of one run; `voice` is that of each."""

    def __init__(self, dice: Dice, common: Mapping[str, Any]):
        self.dice = dice
        self.common = common

    def offerings(self, archetype: Archetype, voice: Voice) -> Rows:
        """The first one, which says the trade, and some of the others."""
        dice = self.dice
        most = 5 if archetype.sells < SELLS_LITTLE else 7
        number = dice.between(2, most - 1)
        first, *others = archetype.offerings
        chosen = [first, *dice.some_by_odds(others, archetype.odds[1:], number)]
        return [
            {
                "kind": offering["kind"],
                "name": voice.says(name),
                "description": voice.says(description),
                "category": offering["category"],
                "unspsc": offering.get("unspsc", ""),
                "ships": bool(offering.get("ships")),
            }
            for offering, name, description in chosen
        ]

    def benefits(self, archetype: Archetype, form: str, voice: Voice) -> Rows:
        dice, shared = self.dice, self.common["benefits"]
        texts: dict[str, Any] = {}
        evidences = archetype.benefits[form.startswith("coop_")]
        for row, evidence in zip(archetype.data["benefits"], evidences, strict=True):
            if dice.chance(0.85):
                texts.setdefault(row["benefit"], evidence)
        extra = []
        if form.startswith("coop_") and dice.chance(0.5):
            extra.append("gouvernance-democratique")
        if dice.chance(0.2):
            extra.append(dice.pick(SHARED_BENEFITS))
        for benefit in extra:
            texts.setdefault(benefit, dice.pick(shared[benefit]))
        return [
            {"benefit": benefit, "evidence": voice.says(evidence)}
            for benefit, evidence in texts.items()
        ]

    def statuses(self, archetype: Archetype, founded: int) -> Rows:
        dice = self.dice
        rows: Rows = []
        for status, share in archetype.data["statuses"].items():
            if not dice.chance(share):
                continue
            rule = self.common["statuses"][status]
            expires = None
            issued = dice.ago(200, 3000)
            if rule["years"]:
                lapsed = dice.chance(0.15)
                expires = dice.ago(10, 700) if lapsed else dice.ahead(20, 365 * rule["years"] - 30)
                issued = expires - timedelta(days=365 * rule["years"])
            if issued.year <= founded:
                issued = date(founded + 1, issued.month, min(issued.day, 28))
                issued = min(issued, dice.today - timedelta(days=15))
            rows.append(
                {
                    "status": status,
                    "number": self.digits(rule["number"]),
                    "issuer": rule["issuer"],
                    "issued_on": issued,
                    "expires_on": expires,
                }
            )
        return rows

    def capacity(self, archetype: Archetype) -> dict[str, Any]:
        dice, data, sells = self.dice, archetype.data, archetype.sells
        tells = sells >= TELLS_ITS_CAPACITY
        informed = tells and dice.chance(0.35 + 0.6 * sells)
        smallest = largest = lead = insured = None
        if informed and data["orders"]:
            low, high = data["orders"]
            smallest = dice.rounded(low, low * 3) if dice.chance(0.8) else None
            largest = dice.rounded(max(high / 3, low * 4), high) if dice.chance(0.85) else None
        if informed and data["lead"]:
            lead = dice.between(*data["lead"])
        if informed and data["insured"]:
            insured = dice.pick(data["insured"]) * 1_000_000
        return {
            "permits": self.permits(data["permits"]),
            "insured_amount": insured,
            "smallest_order": smallest,
            "largest_order": largest,
            "lead_time_days": lead,
            "busy_until": dice.ahead(8, 120) if sells >= 0.4 and dice.chance(0.08) else None,
            "accepts_cobidding": tells and dice.chance(0.3 + 0.4 * sells),
            "on_seao": dice.chance(0.55 * sells**1.5),
        }

    def permits(self, shares: Mapping[str, float]) -> Rows:
        dice = self.dice
        rows: Rows = []
        for kind, share in shares.items():
            if dice.chance(share):
                # Meant to be nobody’s licence: 9 at the head, 0 before the last digit.
                number = self.digits("9###-####-0#" if kind == "RBQ" else "1######")
                expires = dice.ago(5, 200) if dice.chance(0.08) else dice.ahead(15, 365)
                rows.append({"kind": kind, "number": number, "expires_on": expires})
        return rows

    def references(self, archetype: Archetype, founded: int, voice: Voice) -> Rows:
        dice = self.dice
        rows: Rows = []
        if not archetype.references or not dice.chance(0.15 + 0.75 * archetype.sells):
            return rows
        for row, work in dice.some(archetype.references, dice.between(1, 3)):
            amount = dice.rounded(*row["amounts"]) if row["amounts"] else None
            rows.append(
                {
                    "client": voice.says(dice.pick(self.common["clients"][row["client"]])),
                    "work": voice.says(work),
                    "year": max(dice.ago(120, 2000).year, founded),
                    "amount": amount if dice.chance(0.75) else None,
                    "url": "",
                }
            )
        return rows

    def digits(self, model: str) -> str:
        return "".join(str(self.dice.between(0, 9)) if c == "#" else c for c in model)
