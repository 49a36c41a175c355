"""YAML and JSON with line numbers; pydantic complaints as one message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from hwsim.core.errors import InvalidChip
from hwsim.readers.yaml_file import FileModel, load_json, load_yaml, parse_yaml, path_text, validate


class Inner(FileModel):
    size: int
    unit: str = ""


class Outer(FileModel):
    name: str
    parts: dict[str, Inner] = Field(default_factory=dict)
    sizes: list[int] = Field(default_factory=list)


def test_lines_of_every_value(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("name: x\nparts:\n  one: {size: 3}\n  two:\n    size: 4\nsizes:\n- 1\n- 2\n")
    document = load_yaml(file, InvalidChip)
    assert document.data == {"name": "x", "parts": {"one": {"size": 3}, "two": {"size": 4}}, "sizes": [1, 2]}
    assert [document.line_of(p) for p in ((), ("name",), ("parts", "one"), ("parts", "two", "size"), ("sizes", 1))] == [1, 1, 3, 5, 8]
    assert document.line_of(("parts", "two", "nothing")) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: [1", "f:2"),
        ("a: b: c", "f:1"),
        ("a: 1\nb: 2\na: 3", "f:3: a: key 'a' is stated twice (first on line 1)"),
        ("x:\n  a: 1\n  a: 2", "f:3: x.a: key 'a' is stated twice"),
        ("a: *nothing", "f:1: found undefined alias"),
        ("--- 1\n--- 2\n", "f:2"),
        ("a: !tag 3", "f:1: a: tag '!tag' is not known here"),
        ("<<: {a: 1}", "f:1: a key must be a plain word"),
        ("[a]: 1", "f:1: a key must be a plain word"),
        ("a: &x [*x]", "nested too deeply"),
        ("a: \x01", "f: not YAML"),
    ],
)
def test_bad_yaml_names_file_and_line(text, message):
    with pytest.raises(InvalidChip) as raised:
        parse_yaml(text, "f", InvalidChip)
    assert str(raised.value).startswith(message) or message in str(raised.value)


def test_scalars_follow_yaml_1_2():
    data = parse_yaml("{a: yes, b: true, c: ~, d: 1e9, e: 0x1F, f: 0o17, g: 1_000, h: '5', i: 010, j: 2024-01-01, 5: x}", "f", InvalidChip).data
    assert data == {"a": "yes", "b": True, "c": None, "d": 1e9, "e": 31, "f": 15, "g": 1000, "h": "5", "i": 10, "j": "2024-01-01", 5: "x"}
    assert isinstance(data["d"], float)
    assert parse_yaml("", "f", InvalidChip).data is None
    assert parse_yaml("a: &x [1]\nb: *x\nc: -.inf", "f", InvalidChip).data == {"a": [1], "b": [1], "c": float("-inf")}


@given(st.dictionaries(st.text("abcdefgh_", min_size=1), st.one_of(st.integers(), st.booleans(), st.lists(st.integers()))))
def test_flow_yaml_reads_back(data):
    import json

    assert parse_yaml(json.dumps(data), "f", InvalidChip).data == data


def test_unreadable_files(tmp_path):
    with pytest.raises(InvalidChip, match="no such file"):
        load_yaml(tmp_path / "none.yaml", InvalidChip)
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff")
    with pytest.raises(InvalidChip, match="not UTF-8"):
        load_yaml(tmp_path / "latin.yaml", InvalidChip)
    with pytest.raises(InvalidChip, match="cannot be read"):
        load_yaml(tmp_path, InvalidChip)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1,\n "b": }', ":2: column 7"),
        ('{"a": 1, "a": 2}', "'a' is stated twice"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ("[" * 100000, "deep"),
    ],
)
def test_bad_json(tmp_path, text, message):
    file = tmp_path / "a.json"
    file.write_text(text)
    with pytest.raises(InvalidChip, match=message):
        load_json(file, InvalidChip)


def test_json_lines_are_found_when_asked(tmp_path):
    file = tmp_path / "a.json"
    file.write_text('{\n  "a": 1,\n  "b": {\n    "c": 2}\n}')
    document = load_json(file, InvalidChip)
    assert document.line_of(("b", "c")) == 4


def test_validate_returns_the_model():
    document = parse_yaml("name: x\nparts: {one: {size: 3}}", "f", InvalidChip)
    assert validate(Outer, document, InvalidChip).parts["one"].size == 3
    assert validate(Inner, document, InvalidChip, ("parts", "one")).size == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\nnmae: y", "f:2: nmae: unknown key (did you mean name?)"),
        ("name: x\nparts:\n  a: {size: 1, unti: m}", "f:3: parts.a.unti: unknown key (did you mean unit?)"),
        ("name: 3", "f:1: name: should be a valid string, got 3"),
        ("name: x\nparts: {a: {}}", "f:2: parts.a.size: is missing"),
        ("name: x\nsizes: [1, true]", "f:2: sizes[1]: should be a valid integer, got True"),
        ("name: x\nparts: {a: 3}", "f:2: parts.a: must be a mapping of keys, got int"),
    ],
)
def test_validate_says_where_and_what(text, message):
    with pytest.raises(InvalidChip) as raised:
        validate(Outer, parse_yaml(text, "f", InvalidChip), InvalidChip)
    assert str(raised.value) == message


def test_validate_lists_every_problem():
    with pytest.raises(InvalidChip) as raised:
        validate(Outer, parse_yaml("nam: x\nsizes: [a]", "f", InvalidChip), InvalidChip)
    assert [line.split(": ")[1] for line in str(raised.value).splitlines()] == ["nam", "name", "sizes[0]"]


def test_path_text():
    assert path_text(()) == ""
    assert path_text(("a", 0, "b")) == "a[0].b"
