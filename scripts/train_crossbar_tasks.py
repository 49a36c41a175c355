"""Train the networks of the small tasks that `hwsim run --accuracy` puts on crossbars, in full precision and for no chip; ships their weights.

python scripts/train_crossbar_tasks.py
"""

from __future__ import annotations

from hwsim.targets.crossbar.analog.tasks import NETWORKS, TASKS, save
from hwsim.targets.crossbar.functional.lstm import evaluate, train


def main() -> None:
    """Train every network and write all to the package."""
    made = {}
    for name, (make, hidden, epochs) in TASKS.items():
        task = make()
        made[name] = train(task.train, hidden, epochs=epochs)
        print(name, evaluate(made[name], task.test), "least bits", task.least_bits)
    save(made)
    print(NETWORKS, NETWORKS.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
