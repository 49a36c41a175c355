"""Request streams: files, their errors, and streams made from a seed."""

from __future__ import annotations

import numpy as np
import pytest

from hwsim.core.errors import InvalidTrace
from hwsim.serve.request_file import read_requests, write_requests
from hwsim.serve.requests import Requests, synthetic


def test_a_written_stream_reads_back_to_the_last_bit(tmp_path):
    made = synthetic(200, 3.0, 400, 50, spread=0.7, seed=4)
    read = read_requests(write_requests(made, tmp_path / "r.csv"))
    for name in ("arrival_s", "prompt_tokens", "generated_tokens"):
        assert (getattr(read, name) == getattr(made, name)).all()


def test_columns_in_any_order_comments_and_blank_lines(tmp_path):
    file = tmp_path / "r.csv"
    file.write_text("# a log\nuser,generated_tokens,arrival_s,prompt_tokens\n\na,5,0.5,10\n# pause\nb,6,2,11\n")
    read = read_requests(file)
    assert read.arrival_s.tolist() == [0.5, 2.0] and read.prompt_tokens.tolist() == [10, 11] and read.generated_tokens.tolist() == [5, 6]
    assert read.longest == 17


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"r.csv: no header"),
        ("arrival,prompt_tokens,generated_tokens\n0,1,1\n", r"r.csv:1: no column 'arrival_s' \(did you mean arrival"),
        ("arrival_s,prompt_tokens,generated_tokens\n0,1\n", r"r.csv:2: 2 values under 3 columns"),
        ("arrival_s,prompt_tokens,generated_tokens\n0,1,1\n# x\n-1,1,1\n", r"r.csv:4: arrival_s: '-1' is not a time in seconds"),
        ("arrival_s,prompt_tokens,generated_tokens\n0,1.5,1\n", r"r.csv:2: prompt_tokens: '1.5' is not a whole number in 1..10000000"),
        ("arrival_s,prompt_tokens,generated_tokens\n0,1,zero\n", r"r.csv:2: generated_tokens: 'zero' is not a whole"),
        ("arrival_s,prompt_tokens,generated_tokens\n0,0,1\n", r"r.csv:2: prompt_tokens: '0' is not a whole"),
        ("arrival_s,prompt_tokens,generated_tokens\nnan,1,1\n", r"r.csv:2: arrival_s: 'nan'"),
        ("arrival_s,prompt_tokens,generated_tokens\n2,1,1\n1,1,1\n", r"r.csv:3: arrival_s: arrives 1 s before the request above; sort"),
        ("arrival_s,prompt_tokens,generated_tokens,arrival_s\n0,1,1,2\n", "column 'arrival_s' stands twice"),
        ("prompt_tokens,generated_tokens\n1,1\n", r"no column 'arrival_s'.*the header has prompt_tokens, generated_tokens"),
        ('arrival_s,prompt_tokens,generated_tokens\n0,1,"1\n', r"r.csv:2: no line of CSV"),
        ("arrival_s,prompt_tokens,generated_tokens\n0,1,1e9\n", "is not a whole number in 1..10000000"),
        ("arrival_s,prompt_tokens,generated_tokens\ninf,1,1\n", "'inf' is not a time"),
        ("TIMESTAMP,ContextTokens,GeneratedTokens\n16 Nov,1,1\n", "'16 Nov' is not a time"),
        ("Timestamp,Request tokens,Response tokens\n5,472,0\n", "Response tokens: '0' is not a whole"),
        ("arrival_s,prompt_tokens,generated_tokens\n", "r.csv:1: no request under the header"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_its_place(tmp_path, text, message):
    file = tmp_path / "r.csv"
    file.write_text(text)
    with pytest.raises(InvalidTrace, match=message):
        read_requests(file)


@pytest.mark.parametrize(
    ("text", "arrivals"),
    [
        ("\ufeffarrival_s,prompt_tokens,generated_tokens\r\n0.25,374,44\r\n0.75,396,109\r\n", [0.25, 0.75]),
        ("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.5000000,374,44\n2023-11-16 18:15:47.2500000,396,109\n", [0.0, 0.75]),
        ("TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.5+00:00,374,44\n2024-05-10 00:00:01.25+00:00,396,109\n", [0.0, 0.75]),
        ("Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,374,44,418,API\n45,GPT-4,396,109,505,API\n", [5, 45]),
        ("arrived_at,num_prefill_tokens,num_decode_tokens\n0.5,374,44\n1.5,396,109\n", [0.5, 1.5]),
        ("request_id,arrival_timestamp,prompt_size,token_size\n0,0.5,374,44\n1,1.5,396,109\n", [0.5, 1.5]),
    ],
)  # fmt: skip
def test_layouts_of_public_traces(tmp_path, text, arrivals):
    file = tmp_path / "r.csv"
    file.write_bytes(text.encode())
    read = read_requests(file)
    assert read.arrival_s == pytest.approx(arrivals, abs=1e-6)
    assert read.prompt_tokens.tolist() == [374, 396] and read.generated_tokens.tolist() == [44, 109]


def test_a_file_that_is_no_text_is_refused(tmp_path):
    file = tmp_path / "r.csv"
    file.write_bytes("arrival_s,prompt_tokens,generated_tokens\n0,1,1\n".encode("utf-16"))
    with pytest.raises(InvalidTrace, match="not UTF-8"):
        read_requests(file)


def test_requests_cut_to_a_length():
    made = Requests(np.zeros(4), np.array([10, 100, 99, 60]), np.array([5, 5, 5, 60])).clipped(100)
    assert made.prompt_tokens.tolist() == [10, 99, 99, 60] and made.generated_tokens.tolist() == [5, 1, 1, 40]
    with pytest.raises(InvalidTrace, match="two tokens"):
        made.clipped(1)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InvalidTrace, match="there is no request file"):
        read_requests(tmp_path / "none.csv")


@pytest.mark.parametrize("arrivals", ["poisson", "bursty"])
def test_streams_have_the_rate_and_the_lengths_asked_for(arrivals):
    made = synthetic(40_000, 5.0, 300, 40, spread=0.5, arrivals=arrivals, burst=2.0, seed=1)
    gaps = np.diff(made.arrival_s)
    assert gaps.mean() == pytest.approx(0.2, rel=0.05) and gaps.std() == pytest.approx(0.2 if arrivals == "poisson" else 0.4, rel=0.05)
    assert made.prompt_tokens.mean() == pytest.approx(300, rel=0.02) and made.prompt_tokens.std() == pytest.approx(150, rel=0.05)
    assert made.generated_tokens.mean() == pytest.approx(40, rel=0.02)


def test_streams_follow_their_seed():
    one, same, other = (synthetic(50, 1.0, 100, 10, spread=1.0, seed=s) for s in (1, 1, 2))
    assert (one.prompt_tokens == same.prompt_tokens).all() and (one.arrival_s == same.arrival_s).all()
    assert (one.prompt_tokens != other.prompt_tokens).any()
    assert (synthetic(3, 1.0, 5, 5, arrivals="together").arrival_s == 0).all()


@pytest.mark.parametrize(
    "wrong",
    [{"count": 0}, {"rate_per_s": 0.0}, {"rate_per_s": float("inf")}, {"prompt": 0}, {"generate": 1e9}, {"spread": -1}, {"arrivals": "posson"},
     {"arrivals": "bursty", "burst": 0.0}, {"count": 10**12}, {"rate_per_s": float("nan")}, {"rate_per_s": -1.0}, {"spread": float("nan")},
     {"seed": -1}, {"prompt": float("nan")}],
)  # fmt: skip
def test_impossible_streams_are_refused(wrong):
    with pytest.raises(InvalidTrace):
        synthetic(**{"count": 10, "rate_per_s": 1.0, "prompt": 10, "generate": 10, **wrong})


def test_streams_in_disorder_are_refused():
    with pytest.raises(InvalidTrace, match="in order"):
        Requests(np.array([1.0, 0.0]), np.array([1, 1]), np.array([1, 1]))
    with pytest.raises(InvalidTrace, match="prompt"):
        Requests(np.array([1.0]), np.array([0]), np.array([1]))
    with pytest.raises(InvalidTrace, match="as many"):
        Requests(np.array([1.0]), np.array([1, 2]), np.array([1]))
