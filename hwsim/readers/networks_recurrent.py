"""The recurrent networks that Yang, Basu, Li et al. (Nature Communications 2025, s41467-025-56254-6) put on memristors; `steps` at a time."""

from __future__ import annotations

from typing import Any

from hwsim.readers.networks import Asked, Net, Network

SPECTRUM, KEYWORD_UNITS = 40, 32
CHARACTERS, EMBEDDED, LANGUAGE_UNITS, PROJECTED = 50, 128, 2016, 504


def keyword_spotting(net: Net) -> None:
    """LSTM of 32 units over frames of 40 coefficients, then a fully connected head on the last state."""
    n, steps = net.n, net.asked.steps
    net.next_layer()
    frames = net.graph.tensor("frames", (steps, n, SPECTRUM), role="input")
    net.graph.op("lstm", "lstm", [frames], label="lstm", input_size=SPECTRUM, hidden_size=KEYWORD_UNITS, steps=steps, batch=n)
    net.next_layer()
    last = net.graph.tensor("last_state", (n, KEYWORD_UNITS), role="state")
    net.graph.op("matmul", "head", [last], label="head", m=n, k=KEYWORD_UNITS, n=net.asked.classes, bias=1)


def characters(net: Net) -> None:
    """Character language model: embedding, LSTM of 2016 units projected to 504 with a bias row, a head at every step."""
    n, steps = net.n, net.asked.steps
    net.next_layer()
    ids = net.graph.tensor("characters", (steps * n,), role="input", dtype="int32")
    x = net.graph.op("embedding", "embedding", [ids], label="embedding", rows=steps * n, vocab=net.asked.classes, cols=EMBEDDED)
    sizes: dict[str, Any] = {
        "input_size": EMBEDDED, "hidden_size": LANGUAGE_UNITS, "projection_size": PROJECTED, "bias_rows": 1, "steps": steps, "batch": n,
    }  # fmt: skip
    x = net.graph.op("lstm", "lstm", [x], label="lstm", **sizes)
    net.next_layer()
    net.graph.op("matmul", "head", [x], label="head", m=steps * n, k=PROJECTED, n=net.asked.classes, bias=1)


NETWORKS: dict[str, Network] = {
    "kws-lstm": Network(keyword_spotting, ("steps", "classes"), Asked(classes=12)),
    "ptb-lstm": Network(characters, ("steps", "classes"), Asked(classes=CHARACTERS)),
}
