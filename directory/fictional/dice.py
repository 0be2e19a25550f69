"""Chance, always the same for the same seed."""

import math
from bisect import bisect
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import accumulate
from random import Random
from typing import Any


class Wheel:
    """Weighted draw among values."""

    def __init__(self, weights: Mapping[Any, float] | Sequence[tuple[Any, float]]):
        pairs = list(weights.items() if isinstance(weights, Mapping) else weights)
        self.values = [value for value, _ in pairs]
        self.steps = list(accumulate(weight for _, weight in pairs))


class Dice:
    def __init__(self, seed: int | str, today: date):
        self.random = Random(f"fictional {seed}")
        self.draw = self.random.random
        self.today = today
        self.packs: dict[Any, list[Any]] = {}

    def chance(self, probability: float) -> bool:
        return self.draw() < probability

    def pick(self, values: Sequence[Any]) -> Any:
        return values[int(self.draw() * len(values))]

    def turn(self, wheel: Wheel) -> Any:
        return wheel.values[bisect(wheel.steps, self.draw() * wheel.steps[-1])]

    def between(self, low: int, high: int) -> int:
        return low + int(self.draw() * (high - low + 1))

    def some(self, values: Sequence[Any], number: int) -> list[Any]:
        """`number` distinct values, in their own order."""
        chosen = self.random.sample(range(len(values)), min(number, len(values)))
        return [values[position] for position in sorted(chosen)]

    def some_by_odds(self, values: Sequence[Any], odds: Sequence[float], number: int) -> list[Any]:
        """As `some`, each value as likely as its odds say."""
        draws = [self.draw() ** (1 / chance) for chance in odds]
        best = sorted(range(len(values)), key=draws.__getitem__, reverse=True)[:number]
        return [values[position] for position in sorted(best)]

    def deal(self, key: Any, values: Sequence[Any]) -> Any:
        """A value not dealt yet under this key; all of them before any comes back."""
        pack = self.packs.get(key)
        if not pack:
            pack = self.packs[key] = list(values)
            self.random.shuffle(pack)
        return pack.pop()

    def ago(self, low: int, high: int) -> date:
        return self.today - timedelta(days=self.between(low, high))

    def ahead(self, low: int, high: int) -> date:
        return self.today + timedelta(days=self.between(low, high))

    def rounded(self, low: float, high: float) -> int:
        """An amount between the two, on a logarithmic scale, rounded as people round."""
        amount = low * (high / low) ** self.draw()
        step = 10 ** max(int(math.log10(amount)) - 1, 0)
        step = step * 5 if amount >= 100 else 5
        return max(int(amount / step + 0.5) * step, step)
