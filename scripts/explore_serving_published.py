"""How close is served traffic to measured serving? H100 at a fixed concurrency, against the ML.ENERGY leaderboard (@0cd52da, vLLM, chat prompts).

    python scripts/explore_serving_published.py

Each row keeps `batch` requests in the system (a closed loop, as the benchmark does) and serves 8 x batch of them, at least 256, with generations of
the published mean length and prompts of the mean length that the chip file assumes (it is not published), both with a spread of 0.5. Measured and
modelled: tokens per second, median gap between tokens, power of all GPUs. Three constants of `h100` are fitted to the rows of Llama-3.1-8B as static
batches; those of Qwen3 are not. Served traffic adds what static batches leave out: prompts that interrupt decoding, batches that refill, lengths that
differ. Prompts go in chunks of at most 2,048 tokens a step (vLLM's default), or alone and whole with --chunk 0.
"""

from __future__ import annotations

import argparse

import numpy as np

import hwsim
from hwsim.serve.outcome import Serving
from hwsim.serve.requests import synthetic
from hwsim.serve.serving import serve

ROWS = (  # model, GPUs, batch, mean generation, watts, median gap in ms, tokens/s
    ("llama3.1-8b", 1, 8, 389, 486, 7.32, 1070),
    ("llama3.1-8b", 1, 32, 390, 560, 8.91, 3391),
    ("llama3.1-8b", 1, 128, 405, 669, 16.5, 7037),
    ("llama3.1-8b", 1, 512, 397, 688, 47.4, 9806),
    ("qwen3-8b", 1, 64, 645, 514, 13.95, 4315),
    ("qwen3-32b", 1, 8, 638, 538, 25.2, 312),
    ("qwen3-32b", 2, 128, 624, 1074, 29.7, 3905),
)


def serve_row(row: tuple[str, int, int, int, int, float, int], chunk: int) -> Serving:
    """Serve one row's traffic."""
    model, gpus, batch, generated = row[:4]
    chip = hwsim.load_chip("h100")
    stream = synthetic(max(256, 8 * batch), 1.0, chip.number("chat_prompt_tokens"), generated, spread=0.5, arrivals="together", seed=1).clipped(8000)
    mapping = {"system": "vllm", "devices": gpus}
    return serve(model, chip, stream, mapping, max_batch=batch, paged=True, chunk=chunk, concurrency=batch, warmup=batch, dtype="bf16")


def steady_rate(done: Serving) -> float:
    """Tokens per second while the system was full: of the requests that ended before the last one was let in."""
    ends = done.requests.arrival_s + done.latency_s
    full = ends <= done.requests.arrival_s[-1]
    return float(done.requests.generated_tokens[full].sum() / ends[full].max())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--chunk", type=int, default=2048)
    chunk = parser.parse_args().chunk
    print(f"{'model':12} {'GPUs':>4} {'batch':>5} | {'tokens/s':>8} {'model':>8} {'error':>7} | {'gap, ms':>8} {'model':>7} {'error':>7} |"
          f" {'W':>5} {'model':>6} {'error':>7}")  # fmt: skip
    errors = []
    for row in ROWS:
        done = serve_row(row, chunk)
        found = (steady_rate(done), done.percentiles()["gap_s"]["p50"] * 1e3, done.figures["power_w"])
        errors.append([got / true - 1 for got, true in zip(found, (row[6], row[5], row[4]), strict=True)])
        e = errors[-1]
        print(f"{row[0]:12} {row[1]:>4} {row[2]:>5} | {row[6]:>8,} {found[0]:>8,.0f} {e[0]:>+7.1%} | {row[5]:>8} {found[1]:>7.2f} {e[1]:>+7.1%} |"
              f" {row[4]:>5,} {found[2]:>6,.0f} {e[2]:>+7.1%}")  # fmt: skip
    print("mean |error|: " + ", ".join(f"{n} {v:.1%}" for n, v in zip(("tokens/s", "gap", "power"), np.abs(errors).mean(axis=0), strict=True)))


if __name__ == "__main__":
    main()
