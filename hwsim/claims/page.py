"""The gallery as text, as a Markdown table and as one HTML page."""

from __future__ import annotations

import html
from collections.abc import Sequence

from hwsim.claims.claim import Claim, Missing

HEAD = ("figure", "kind", "published", "ours", "error", "verdict", "holds when", "carried by")
NUMBERS = ("published", "ours", "error")
MARKS = {"held": "yes", "did not hold": "no", "conditional": "if", "not judged": "none"}
FILTERS = ("all", *MARKS, "counts", "fitted")
STYLE = (
    "body{font:14px/1.45 system-ui,sans-serif;margin:2em auto;max-width:1280px;padding:0 1em;color:#1a1a1a}"
    "table{border-collapse:collapse;width:100%}th,td{padding:.35em .6em;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}"
    "thead th{position:sticky;top:0;background:#fff;z-index:1}td.n,th.n{text-align:right;max-width:8.5em}"
    "th[data-sort]{cursor:pointer}th[data-sort]:after{content:' \\2195';color:#999}"
    "tr.paper th{background:#f3f5f7;padding-top:.6em}tr.paper code{float:right;font-weight:400}code{font-size:12px;background:#eef;padding:.1em .4em}"
    "td:nth-child(1){min-width:16em}td:nth-child(8){min-width:13em}"
    ".yes{color:#006d32}.no{color:#b00020}.if{color:#8a5a00}.none{color:#666}.yes,.no,.if,.none{font-weight:600;white-space:nowrap}"
    ".src{color:#666;font-size:12px}nav{margin:1em 0}button,input{font:inherit;padding:.2em .7em;margin:0 .3em .3em 0;border:1px solid #bbb;"
    "border-radius:4px;background:#fff}button.on{background:#1a1a1a;color:#fff}dt{font-weight:600;float:left;width:8em;clear:left}dd{margin-left:9em}"
)
SCRIPT = """
const rows=[...document.querySelectorAll('tr.claim')],bodies=[...document.querySelectorAll('#claims tbody')];let wanted='all';
function show(){const text=document.getElementById('find').value.toLowerCase();
rows.forEach(r=>{r.hidden=!(wanted==='all'||r.dataset.marks.split(',').includes(wanted))||!(r.dataset.paper+r.textContent).toLowerCase().includes(text)});
bodies.forEach(b=>{b.hidden=[...b.querySelectorAll('tr.claim')].every(r=>r.hidden)})}
document.querySelectorAll('nav button').forEach(b=>b.onclick=()=>{wanted=b.dataset.show;
document.querySelectorAll('nav button').forEach(o=>o.classList.toggle('on',o===b));show()});
document.getElementById('find').oninput=show;
document.querySelectorAll('th[data-sort]').forEach(h=>h.onclick=()=>{const key=h.dataset.sort,turn=h.turn=-(h.turn||-1);
const order=(a,b)=>turn*(key==='verdict'?a.dataset.verdict.localeCompare(b.dataset.verdict):a.dataset.error-b.dataset.error);
bodies.forEach(b=>[...b.querySelectorAll('tr.claim')].sort(order).forEach(r=>b.append(r)));
const worst=b=>Math.max(...[...b.querySelectorAll('tr.claim')].map(r=>+r.dataset.error));
const fails=b=>b.querySelectorAll('tr.claim[data-verdict="did not hold"]').length;
[...bodies].sort((a,b)=>turn*(key==='verdict'?fails(b)-fails(a):worst(a)-worst(b))).forEach(b=>b.parentNode.append(b))});
"""


def error_text(claim: Claim) -> str:
    """The signed error in per cent; none of a region, nor within a bound or a range."""
    if claim.test == "region" or (claim.test in ("at least", "at most", "range") and not claim.error):
        return ""
    return f"{claim.error:+.1%}"


def kind_text(claim: Claim) -> str:
    """Cost or count, and what its published side is: derived, remembered, fitted."""
    extra = [claim.basis] if claim.basis != "published" else []
    return ", ".join([claim.kind, *extra, *(["fitted"] if claim.role == "fitted" else [])])


def summary(claims: Sequence[Claim]) -> str:
    """How many claims hold: predicted costs, counts, fitted figures, and those that are not judged."""
    costs = [c for c in claims if c.judged]
    by = {mark: sum(c.verdict == mark for c in costs) for mark in MARKS}
    counts = [c for c in claims if c.kind == "count" and c.basis != "remembered" and c.role == "predicted"]
    fitted = [c for c in claims if c.role == "fitted"]
    loose = sum(c.basis == "remembered" for c in claims)
    text = f"{len(claims)} figures of {len({c.paper for c in claims})} papers; predicted costs: {by['held']} of {len(costs)} held"
    text += f", {by['conditional']} hold under a condition" if by["conditional"] else ""
    text += f", {by['did not hold']} did not hold"
    text += f"; counts: {sum(c.held for c in counts)} of {len(counts)} agree" if counts else ""
    text += f"; fitted: {sum(c.held for c in fitted)} of {len(fitted)} agree, which shows nothing" if fitted else ""
    return text + (f"; {loose} published from memory and not judged" if loose else "")


def lines(claims: Sequence[Claim]) -> str:
    """The gallery as plain text, one line a figure and its assumption below."""
    rows = []
    for c in claims:
        rows.append(f"{c.paper:16.16s} {c.what:74.74s} {c.stated:>24s} {c.found:>20s} {error_text(c):>9s}  {c.verdict} ({kind_text(c)}; {c.rule})")
        rows.append(f"{'':17s}carried by: {c.carries}")
    return "\n".join(rows)


def markdown_papers(claims: Sequence[Claim]) -> str:
    """One row a paper: figures by kind, how many held, the mean error of predicted costs that hang on no condition, and what did not hold."""
    rows = ["| paper | figures | held | conditional | mean error | did not hold: ours (published) |", "|---|---|---|---|---|---|"]
    for paper in dict.fromkeys(c.paper for c in claims):
        own = [c for c in claims if c.paper == paper]
        errors = [abs(c.error) for c in own if c.test in ("value", "sign", "range") and c.judged and c.verdict != "conditional"]
        mean = f"{100 * sum(errors) / len(errors):.1f} %" if errors else ""
        parts = {"counts": sum(c.kind == "count" for c in own), "fitted": sum(c.role == "fitted" for c in own),
                 "not judged": sum(c.verdict == "not judged" for c in own)}  # fmt: skip
        said = ", ".join(f"{n} {name}" for name, n in parts.items() if n)
        failed = "; ".join(f"{c.what}: {c.found} ({c.stated})" for c in own if c.verdict == "did not hold")
        met = [sum(c.verdict == mark for c in own) for mark in ("held", "conditional")]
        rows.append(f"| {paper} | {len(own)}{f' ({said})' if said else ''} | {met[0]} | {met[1] or ''} | {mean} | {failed} |")
    return "\n".join(rows)


def page(claims: Sequence[Claim], missing: Sequence[Missing], *, seconds: float, title: str = "Claims of the field, recomputed") -> str:
    """The gallery as one HTML page without anything from outside: papers one after the other, filtered and sorted on demand."""
    body = "".join(_paper(paper, [c for c in claims if c.paper == paper]) for paper in dict.fromkeys(c.paper for c in claims))
    left = "".join(f"<tr><td>{_text(m.paper)}</td><td>{_text(m.what)}</td><td>{_text(m.reason)}</td></tr>" for m in missing)
    sorts = {"error": " data-sort='error'", "verdict": " data-sort='verdict'"}
    heads = "".join(f"<th{' class=n' if name in NUMBERS else ''}{sorts.get(name, '')}>{name}</th>" for name in HEAD)
    buttons = "".join(f"<button data-show='{name}'{' class=on' if name == 'all' else ''}>{name}</button>" for name in FILTERS)
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{title}</title><style>{STYLE}</style></head><body>"
        f"<h1>{title}</h1><p>{_text(summary(claims))}. Computed in {seconds:.0f} s by <code>python scripts/gallery.py</code>.</p>{_legend()}"
        f"<nav>{buttons}<input id='find' placeholder='search' aria-label='search'></nav>"
        f"<table id='claims'><thead><tr>{heads}</tr></thead>{body}</table>"
        f"<h2>Not recomputed</h2><table><thead><tr><th>paper</th><th>claim</th><th>why</th></tr></thead><tbody>{left}</tbody></table>"
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def _legend() -> str:
    said = {
        "error": "ours over published less one; of a range or a bound, from its nearer end. Tolerances stand with the claims in their scripts.",
        "conditional": "it holds for some of what the paper leaves open (a rate, a size, a share), found by search or solved for, and the line "
        "says for what. That some setting agrees is weak evidence: the published figure helped to find it.",
        "not judged": "the published side is remembered, not read: shown, and no verdict.",
        "count": "parameters, operations or bytes from layer tables: agreement shows that the graph is the paper's, not that a time is right.",
        "derived": "the published side was worked out from published tables.",
        "fitted": "a constant was fitted to the figure, or taken over with it: its agreement shows nothing.",
    }
    return f"<dl>{''.join(f'<dt>{name}</dt><dd>{_text(text)}</dd>' for name, text in said.items())}</dl>"


def _paper(paper: str, claims: Sequence[Claim]) -> str:
    commands = "".join(f"<code>{_text(command)}</code>" for command in dict.fromkeys(c.command for c in claims) if command)
    return f"<tbody><tr class='paper'><th colspan='{len(HEAD)}'>{_text(paper)}{commands}</th></tr>{''.join(_row(c) for c in claims)}</tbody>"


def _row(c: Claim) -> str:
    marks = [c.verdict, *(["counts"] if c.kind == "count" else []), *(["fitted"] if c.role == "fitted" else [])]
    cells = (
        f"<td>{_text(c.what)}<div class='src'>{_text(c.source)}</div></td><td>{_text(kind_text(c))}</td><td class='n'>{_text(c.stated)}</td>"
        f"<td class='n'>{_text(c.found)}</td><td class='n'>{error_text(c)}</td><td><span class='{MARKS[c.verdict]}'>{c.verdict}</span></td>"
        f"<td>{_text(c.rule)}</td><td>{_text(c.carries)}</td>"
    )
    data = f"data-marks='{','.join(marks)}' data-verdict='{c.verdict}' data-error='{abs(c.error):.6g}' data-paper='{_text(c.paper)}'"
    return f"<tr class='claim' {data}>{cells}</tr>"


def _text(words: str) -> str:
    return html.escape(words)
