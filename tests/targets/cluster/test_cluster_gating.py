"""Two classifiers that gate each other: counts against schemes worked out by hand, real time, energy of a second."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import InvalidMapping, InvalidTrace
from hwsim.targets.cluster.gating import Event, Scheme, read_events, run, scheme_of, window_rates

SCHEME = Scheme(audio_s=0.8, audio_hop_s=0.4, imu_s=0.5, imu_hop_s=0.25, most_audio=4)
GRAPH = hwsim.load_graph("cough-e")
M33 = hwsim.load_chip("cortex-m33")
EVENTS = st.lists(st.tuples(st.floats(0, 50), st.floats(0.1, 3), st.sampled_from(["cough", "sound", "motion"])), max_size=12)


def events_of(drawn: list[tuple[float, float, str]]) -> tuple[Event, ...]:
    return tuple(Event(start, start + length, kind) for start, length, kind in drawn)


def test_silence_runs_the_motion_sensor_alone() -> None:
    assert (run((), SCHEME, "mixed", 10.0).imu, run((), SCHEME, "mixed", 10.0).audio) == (40, 0)
    assert run((), SCHEME, "audio_only", 10.0).audio == 25
    assert run((), SCHEME, "imu_only", 10.0).imu == 40


def test_motion_without_sound_costs_one_audio_window() -> None:
    # felt by the window from 1.75 s (to 2.25); one negative audio window moves on by 0.4 s, to 2.15, which does not feel it any more
    runs = run((Event(2.2, 2.21, "motion"),), Scheme(0.8, 0.4, 0.5, 0.25, 4), "mixed", 10.0)
    assert runs.audio == 2  # from 1.75, and from 2.15


def test_a_long_cough_is_heard_in_runs_of_four() -> None:
    runs = run((Event(0.0, 100.0, "cough"),), SCHEME, "mixed", 16.0)
    assert (runs.imu, runs.audio) == (10, 40)  # every motion window starts four audio windows of 0.4 s


def test_sound_is_not_felt() -> None:
    assert run((Event(1.0, 9.0, "sound"),), SCHEME, "mixed", 10.0).audio == 0


@settings(max_examples=40, deadline=None)
@given(EVENTS)
def test_mixed_never_runs_more_audio_than_audio_only(drawn: list[tuple[float, float, str]]) -> None:
    events = events_of(drawn)
    mixed = run(events, SCHEME, "mixed", 60.0)
    assert mixed.audio <= run(events, SCHEME, "audio_only", 60.0).audio
    assert mixed.imu <= run(events, SCHEME, "imu_only", 60.0).imu
    assert mixed.imu * SCHEME.imu_hop_s + mixed.audio * SCHEME.audio_hop_s >= 60.0 - 4 * SCHEME.audio_hop_s


def test_a_slow_core_is_late() -> None:
    assert run((), SCHEME, "audio_only", 20.0, audio_s=0.1).late == 0
    slow = run((), SCHEME, "audio_only", 20.0, audio_s=0.6)
    assert slow.late > 10
    assert slow.busy_s == pytest.approx(50 * 0.6)


def test_shipped_events_and_the_published_saving() -> None:
    both = {mode: hwsim.simulate(GRAPH, M33, {"mode": mode}, interval=False) for mode in ("mixed", "audio_only", "imu_only")}
    scheme, name, duration = scheme_of(GRAPH.meta)
    runs = run(read_events(name), scheme, "mixed", duration)
    windows = {m: both[m].energy_j / per for m, per in (("audio_only", 2.5), ("imu_only", 4.0))}
    expected = runs.per_second("audio") * windows["audio_only"] + runs.per_second("imu") * windows["imu_only"]
    assert both["mixed"].energy_j == pytest.approx(expected)
    assert windows["imu_only"] < 0.05 * windows["audio_only"]
    assert both["audio_only"].latency_s < 1  # real time: seconds of work in a second


def test_mixed_is_the_default() -> None:
    assert hwsim.simulate(GRAPH, M33, {}, interval=False).energy_j == hwsim.simulate(GRAPH, M33, {"mode": "mixed"}, interval=False).energy_j


def test_event_fidelity_agrees() -> None:
    event = hwsim.simulate(GRAPH, M33, {}, fidelity="event", interval=False)
    assert event.cycles == pytest.approx(hwsim.simulate(GRAPH, M33, {}, interval=False).cycles)


def test_bad_input_is_refused() -> None:
    with pytest.raises(InvalidMapping, match="mode"):
        run((), SCHEME, "both", 1.0)
    with pytest.raises(InvalidTrace, match="no file"):
        read_events("cough-e-events/none.csv")
    with pytest.raises(InvalidTrace, match="gating needs"):
        scheme_of({"gating": {"events": "x"}})
    other = hwsim.load_graph("dory-tcn-t").with_meta(**{"gating": GRAPH.meta["gating"]})
    with pytest.raises(InvalidTrace, match="labels start"):
        window_rates(other, "mixed")
