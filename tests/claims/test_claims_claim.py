"""Claims: how each kind of figure is judged, and what a bad one says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.claims import Claim, bound, count, of_cases, region, sign, value, within
from hwsim.claims.page import lines, markdown_papers, page, summary
from hwsim.core.errors import InvalidCase

SAID = {"carries": "an assumption", "source": "a source"}
FIGURES = st.floats(1e-6, 1e6)


def test_a_value_holds_up_to_its_tolerance() -> None:
    assert value("p", "w", 10.0, 10.9, "x", tolerance=0.1, **SAID).held
    low = value("p", "w", 10.0, 8.9, "x", tolerance=0.1, **SAID)
    assert not low.held
    assert low.error == pytest.approx(-0.11)
    assert low.verdict == "did not hold"


def test_a_sign_needs_the_published_side_of_one() -> None:
    assert sign("p", "w", 1.108, 1.004, **SAID).held
    assert not sign("p", "w", 1.108, 0.996, **SAID).held
    assert not sign("p", "w", 1.108, 1.004, tolerance=0.08, **SAID).held  # the right side, but too far off
    assert sign("p", "w", 0.9, 0.95, tolerance=0.08, **SAID).held


def test_bounds_hold_on_their_side() -> None:
    assert bound("p", "w", 2.0, 2.7, "x", side="at least", **SAID).held
    assert not bound("p", "w", 2.0, 1.9, "x", side="at least", **SAID).held
    assert bound("p", "w", 0.5, 0.44, "x", side="at most", **SAID).held
    over = bound("p", "w", 0.5, 0.6, "x", side="at most", **SAID)
    assert not over.held
    assert over.error == pytest.approx(0.2)
    assert bound("p", "w", 0.5, 0.44, "x", side="at most", **SAID).error == 0


def test_a_range_has_no_error_inside_and_the_nearer_end_outside() -> None:
    assert within("p", "w", (25.0, 33.0), 30.0, "x", **SAID).error == 0
    assert within("p", "w", (25.0, 33.0), 36.3, "x", **SAID).error == pytest.approx(0.1)
    assert within("p", "w", (25.0, 33.0), 20.0, "x", **SAID).error == pytest.approx(-0.2)
    assert not within("p", "w", (25.0, 33.0), 20.0, "x", tolerance=0.1, **SAID).held


def test_a_region_holds_when_something_is_in_it() -> None:
    assert region("p", "w", 1, **SAID).held
    assert not region("p", "w", 0, **SAID).held


@given(published=FIGURES, ours=FIGURES, tolerance=st.floats(0, 2))
def test_a_wider_tolerance_never_turns_a_claim_down(published: float, ours: float, tolerance: float) -> None:
    narrow, wide = (value("p", "w", published, ours, "x", tolerance=t, **SAID) for t in (tolerance, tolerance + 0.5))
    assert wide.held or not narrow.held


@pytest.mark.parametrize(
    ("published", "ours", "tolerance", "message"),
    [(float("nan"), 1.0, 0.1, "finite"), (1.0, float("inf"), 0.1, "finite"), (1.0, 1.0, -0.1, "at least 0"), (0.0, 1.0, 0.1, "relative error")],
)
def test_bad_figures_are_refused(published: float, ours: float, tolerance: float, message: str) -> None:
    with pytest.raises(InvalidCase, match=message):
        value("p", "w", published, ours, "x", tolerance=tolerance, **SAID)
    with pytest.raises(InvalidCase, match="empty"):
        within("p", "w", (2.0, 1.0), 1.5, "x", **SAID)


def test_an_unknown_case_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidCase, match="did you mean"):
        of_cases("L-Mul", {"lmul-elementwise-fp61": ("w", "x", "c")})


def test_a_case_gives_value_tolerance_role_and_source() -> None:
    (found,) = of_cases("L-Mul", {"lmul-elementwise-fp16": ("element-wise", "x", "no operand moves")})
    assert (found.published, found.tolerance, found.role) == (0.05, 0.15, "predicted")
    assert found.ours == pytest.approx(0.05 / 1.1)  # 0.05 pJ of an integer addition against 1.1 pJ of an fp16 product


def test_pages_show_every_claim_and_escape_what_they_say() -> None:
    claims = [value("A & B", "x < y", 1.0, 2.0, "x", tolerance=0.1, **SAID), region("C", "some", 3, **SAID)]
    text, table = page(claims, [], seconds=1.0), markdown_papers(claims)
    assert "A &amp; B" in text
    assert "x &lt; y" in text
    assert text.count(">did not hold</span>") == 1
    assert "| A & B | 1 | 0 |  | 100.0 % | x < y: 2 x (1 x) |" in table
    assert "3 configurations" in lines(claims)
    assert summary(claims) == "2 figures of 2 papers; predicted costs: 1 of 2 held, 1 did not hold"


def test_fitted_figures_are_counted_apart() -> None:
    claims = [Claim("p", "w", 1.0, 1.0, "x", "c", "s", 0.1, role="fitted"), Claim("p", "v", 1.0, 2.0, "x", "c", "s", 0.1)]
    assert summary(claims).endswith("predicted costs: 0 of 1 held, 1 did not hold; fitted: 1 of 1 agree, which shows nothing")
    assert "| p | 2 (1 fitted) | 1 |  | 100.0 % |" in markdown_papers(claims)


def test_what_a_paper_leaves_open_makes_a_condition() -> None:
    some, whole, none = (region("p", "w", found, tried=4, **SAID) for found in (2, 4, 0))
    assert [c.verdict for c in (some, whole, none)] == ["conditional", "held", "did not hold"]
    assert some.found == "2 of 4 configurations"
    assert within("p", "w", (0.1, 0.9), 0.5, "", conditional=True, **SAID).verdict == "conditional"
    assert within("p", "w", (0.1, 0.9), 2.5, "", conditional=True, **SAID).verdict == "did not hold"


@given(ours=FIGURES)
def test_a_remembered_figure_never_decides(ours: float) -> None:
    claim = value("p", "w", 1.0, ours, "x", tolerance=0.1, basis="remembered", **SAID)
    assert claim.verdict == "not judged"
    assert not claim.judged
    assert "0 of 0 held" in summary([claim])
    assert "1 published from memory and not judged" in summary([claim])


def test_counts_are_no_predicted_costs() -> None:
    claims = [count("p", "w", 10.0, 10.0, "M", tolerance=0.1, **SAID), value("p", "v", 1.0, 1.0, "x", tolerance=0.1, **SAID)]
    assert summary(claims) == "2 figures of 1 papers; predicted costs: 1 of 1 held, 0 did not hold; counts: 1 of 1 agree"


def test_a_page_shows_rules_kinds_and_commands() -> None:
    timed = Claim("p", "w", 1.0, 1.0, "x", "c", "s", 0.25, command="python scripts/gallery.py w")
    text = page([timed, count("p", "v", 1.0, 1.0, "M", tolerance=0, **SAID)], [], seconds=1.0)
    assert text.count("<code>python scripts/gallery.py w</code>") == 1
    assert "within 25 %" in text
    assert "<td>count</td>" in text
