"""Claims of the literature beside what the models give: one entry per published figure, its error, whether it holds, and what carries it."""

from hwsim.claims.cases import of_cases
from hwsim.claims.claim import Claim, Missing, Test, bound, count, region, sign, value, within

__all__ = ["Claim", "Missing", "Test", "bound", "count", "of_cases", "region", "sign", "value", "within"]
