"""Cough-E: an IMU classifier decides when the audio one runs: E = E_imu + p E_audio. Which share p of the time does the published saving need?"""

from __future__ import annotations

import hwsim
from hwsim.claims import Claim, bound, within

PAPER = "Cough-E"
SOURCE = "arXiv 2410.24066: -70.56 % against audio only; part, watts and cycles of stages are not published"
KEPT = 1 - 0.7056


def joules(mode: str) -> float:
    """Joules of one second: Fourier transforms, mel spectrum, features and boosted trees of the windows that a mode runs."""
    return hwsim.simulate(hwsim.load_graph("cough-e"), hwsim.load_chip("cortex-m33"), {"mode": mode}, interval=False).energy_j


def claims() -> list[Claim]:
    """What must hold for any saving of that size, and the share of time on audio that gives it."""
    audio, imu = joules("audio_only"), joules("imu_only")
    share = (KEPT - imu / audio) / (1 - imu / audio)
    return [
        bound(PAPER, "joules of the IMU path over the audio path (more, and no share gives the saving)", KEPT, imu / audio, "x", side="at most",
              source=SOURCE,
              carries=f"our kernels on a Cortex-M33: {1e3 * audio:.2f} mJ a second of audio windows, {1e6 * imu:.1f} uJ of IMU windows"),
        within(PAPER, "share of the time on audio that gives -70.56 %", (0.05, 0.95), share, "", conditional=True,
               carries="recordings in which the IMU path is positive that often: depends on data, and is not published", source=SOURCE),
    ]  # fmt: skip
