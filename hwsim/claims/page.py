"""The gallery as text, as a Markdown table and as one HTML page."""

from __future__ import annotations

import html
from collections.abc import Sequence

from hwsim.claims.claim import Claim, Missing

HEAD = ("paper", "figure", "published", "ours", "error", "verdict", "carried by")
STYLE = (
    "body{font:14px/1.45 system-ui,sans-serif;margin:2em auto;max-width:1200px;padding:0 1em;color:#1a1a1a}"
    "table{border-collapse:collapse;width:100%}th,td{padding:.35em .6em;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}"
    "th{position:sticky;top:0;background:#fff}td.n{text-align:right;white-space:nowrap}"
    ".yes{color:#006d32;font-weight:600;white-space:nowrap}.no{color:#b00020;font-weight:600;white-space:nowrap}.src{color:#666;font-size:12px}"
)


def error_text(claim: Claim) -> str:
    """The signed error in per cent; of a bound or a region, that its figure is none."""
    if claim.test == "region" or (claim.test.startswith("at ") and claim.held):
        return ""
    return f"{claim.error:+.1%}"


def summary(claims: Sequence[Claim]) -> str:
    """How many claims hold, and how many of them are predictions."""
    predicted = [c for c in claims if c.role == "predicted"]
    held = sum(c.held for c in predicted)
    fitted = len(claims) - len(predicted)
    text = f"{len(claims)} figures of {len({c.paper for c in claims})} papers: {held} of {len(predicted)} predictions held"
    return f"{text}; {sum(c.held for c in claims if c.role == 'fitted')} of {fitted} held to which a constant was fitted" if fitted else text


def lines(claims: Sequence[Claim]) -> str:
    """The gallery as plain text, one line a figure and its assumption below."""
    rows = []
    for c in claims:
        fitted = " (fitted)" if c.role == "fitted" else ""
        rows.append(f"{c.paper:16.16s} {c.what:74.74s} {c.stated:>24s} {c.found:>20s} {error_text(c):>9s}  {c.verdict}{fitted}")
        rows.append(f"{'':17s}carried by: {c.carries}")
    return "\n".join(rows)


def markdown(claims: Sequence[Claim]) -> str:
    """The gallery as a Markdown table."""
    rows = [f"| {' | '.join(HEAD)} |", "|---|---|---|---|---|---|---|"]
    for c in claims:
        verdict = (c.verdict if c.held else f"**{c.verdict}**") + (" (fitted)" if c.role == "fitted" else "")
        cells = (c.paper, c.what, c.stated, c.found, error_text(c), verdict, c.carries)
        rows.append(f"| {' | '.join(cells)} |".replace("%", " %").replace("  %", " %"))
    return "\n".join(rows)


def markdown_papers(claims: Sequence[Claim]) -> str:
    """One row a paper: figures, how many held, the worst error among those that state a value, and what did not hold: ours (published)."""
    rows = ["| paper | figures | held | mean error | did not hold: ours (published) |", "|---|---|---|---|---|"]
    for paper in dict.fromkeys(c.paper for c in claims):
        own = [c for c in claims if c.paper == paper]
        errors = [abs(c.error) for c in own if c.test in ("value", "sign", "range") and c.role == "predicted"]
        mean = f"{100 * sum(errors) / len(errors):.1f} %" if errors else ""
        fitted = sum(c.role == "fitted" for c in own)
        count = f"{len(own)} ({fitted} fitted)" if fitted else f"{len(own)}"
        failed = "; ".join(f"{c.what}: {c.found} ({c.stated})" for c in own if not c.held)
        rows.append(f"| {paper} | {count} | {sum(c.held for c in own)} | {mean} | {failed} |")
    return "\n".join(rows)


def page(claims: Sequence[Claim], missing: Sequence[Missing], *, seconds: float, title: str = "Claims of the field, recomputed") -> str:
    """The gallery as one HTML page without anything from outside."""
    body = "".join(_row(c) for c in claims)
    left = "".join(f"<tr><td>{_text(m.paper)}</td><td>{_text(m.what)}</td><td>{_text(m.reason)}</td></tr>" for m in missing)
    heads = "".join(f"<th>{name}</th>" for name in HEAD)
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{title}</title><style>{STYLE}</style></head><body>"
        f"<h1>{title}</h1><p>{_text(summary(claims))}. Computed in {seconds:.0f} s by <code>python scripts/gallery.py</code>. Error is ours over "
        "published less one; tolerances are set with the claim, before it runs. <i>fitted</i>: a constant was fitted to the figure, so that its "
        f"agreement shows nothing.</p><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
        f"<h2>Not recomputed</h2><table><thead><tr><th>paper</th><th>claim</th><th>why</th></tr></thead><tbody>{left}</tbody></table></body></html>\n"
    )


def _row(c: Claim) -> str:
    verdict = f"<span class='{'yes' if c.held else 'no'}'>{c.verdict}</span>{' (fitted)' if c.role == 'fitted' else ''}"
    cells = (
        f"<td>{_text(c.paper)}</td><td>{_text(c.what)}<div class='src'>{_text(c.source)}</div></td><td class='n'>{_text(c.stated)}</td>"
        f"<td class='n'>{_text(c.found)}</td><td class='n'>{error_text(c)}</td><td>{verdict}</td><td>{_text(c.carries)}</td>"
    )
    return f"<tr>{cells}</tr>"


def _text(words: str) -> str:
    return html.escape(words)
