from string import ascii_letters

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webots_cloud.standin.wbt import MAX_DEPTH, MAX_NODES, Node, Use, Value, WbtError, parse

HEADER = "#VRML_SIM R2022b utf8\n"


def only(text: str) -> Node:
    [node] = parse(HEADER + text).nodes
    assert isinstance(node, Node)
    return node


def complaint(text: str) -> str:
    with pytest.raises(WbtError) as caught:
        parse(text)
    return str(caught.value)


def test_every_kind_of_value_is_read() -> None:
    node = only(
        'Thing { a 1 -2.5 .5 3. 1e-3 b [ 1, 2, 3 ] c TRUE d FALSE e "x" f [ "x" "y" ] g NULL h Other { } i 0x10 }'
    )
    other = node.fields.pop("h")[0]
    assert isinstance(other, Node)
    assert other.kind == "Other"
    assert node.fields == {
        "a": [1.0, -2.5, 0.5, 3.0, 0.001],
        "b": [1.0, 2.0, 3.0],
        "c": [True],
        "d": [False],
        "e": ["x"],
        "f": ["x", "y"],
        "g": [],
        "i": [16.0],
    }


def test_strings_keep_escaped_quotes_backslashes_comments_and_line_ends() -> None:
    assert only(r'A { s "say \"hi\" \\ # no comment' + '\nnext" }').fields["s"] == ['say "hi" \\ # no comment\nnext']


def test_comments_and_commas_are_blanks() -> None:
    assert only("A { # one { \n x 1,2 , # two\n 3 }").fields["x"] == [1.0, 2.0, 3.0]


def test_use_names_the_latest_node_of_that_name() -> None:
    node = only("Group { children [ DEF A Box { size 1 1 1 } USE A DEF A Sphere { } USE A ] }")
    box, first, sphere, second = node.fields["children"]
    assert isinstance(first, Use)
    assert isinstance(second, Use)
    assert first.node is box
    assert second.node is sphere


def test_a_node_cannot_use_itself() -> None:
    assert "line 2, column 28: USE A" in complaint(HEADER + "DEF A Group { children USE A }")


def test_version_tells_which_axis_is_up() -> None:
    assert parse("#VRML_SIM R2022a utf8\n").is_enu
    assert parse("#VRML_SIM R2025a utf8\r\n").is_enu
    assert not parse("#VRML_SIM R2021b utf8\n").is_enu
    assert not parse("#VRML_SIM V8.5 utf8").is_enu


def test_externproto_lines_are_kept_apart_from_nodes() -> None:
    document = parse(
        HEADER + 'EXTERNPROTO "webots://a/Floor.proto"\nIMPORTABLE EXTERNPROTO "b.proto"\nFloor { hidden x 3 }'
    )
    assert document.externprotos == ["webots://a/Floor.proto", "b.proto"]
    [floor] = document.nodes
    assert isinstance(floor, Node)
    assert floor.fields == {"x": [3.0]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "line 1, column 1: a world file begins with"),
        ("#VRML V2.0 utf8\n", "line 1, column 1: a world file begins with"),
        (HEADER + "Solid {\n  name \"x", "line 3, column 8: this string has no end"),
        (HEADER + "Solid {\n  +", "line 3, column 3: unexpected '+'"),
        (HEADER + "Solid {", "expected a field name or '}', found 'the end of the file'"),
        (HEADER + "Solid { a [ 1 2", "expected a value or a node, found 'the end of the file'"),
        (HEADER + "Solid { a }", "line 2, column 11: expected a value or a node, found '}'"),
        (HEADER + "Solid 3", "line 2, column 7: expected '{' after 'Solid', found '3'"),
        (HEADER + "DEF 3", "expected a name after DEF"),
        (HEADER + "A { x 1e999 }", "line 2, column 7: 1e999 is too large a number"),
        (HEADER + "IMPORTABLE Floor { }", "expected EXTERNPROTO after IMPORTABLE"),
        (HEADER + "EXTERNPROTO Floor { }", "expected the URL of a PROTO"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_line_and_column(text: str, expected: str) -> None:
    assert expected in complaint(text)


def test_nodes_may_be_nested_only_so_deep() -> None:
    assert only("A { b " * (MAX_DEPTH - 1) + "A { }" + " }" * (MAX_DEPTH - 1)).depth == MAX_DEPTH
    assert f"nested more than {MAX_DEPTH} deep" in complaint(HEADER + "A { b " * 5000)
    half = MAX_DEPTH // 2 + 1
    deep = "DEF D " + "A { b " * half + "A { }" + " }" * half
    assert "nested more than" in complaint(HEADER + deep + "A { b " * half + "USE D" + " }" * half)


def test_uses_of_uses_cannot_grow_beyond_the_bound() -> None:
    doubling = "DEF N0 A { }" + "".join(f" DEF N{i + 1} A {{ b [ USE N{i} USE N{i} ] }}" for i in range(60))
    assert f"more than {MAX_NODES} nodes" in complaint(HEADER + doubling)


def test_a_megabyte_of_blanks_or_of_one_string_is_no_problem() -> None:
    assert parse(HEADER + " ," * 500_000 + "#" * 100_000).nodes == []
    assert only('A { s "' + r"\"" * 500_000 + '" }').fields["s"] == ['"' * 500_000]


words = st.text(ascii_letters, min_size=1, max_size=8).map(lambda word: "x" + word)
atoms = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.text(st.characters(exclude_categories=["Cs"]))
)
trees = st.recursive(
    st.builds(Node, words),
    lambda inner: st.builds(Node, words, st.dictionaries(words, st.lists(st.one_of(atoms, inner), max_size=4))),
    max_leaves=12,
)


def written(value: Value) -> str:
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            return repr(value)
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case Node():
            fields = " ".join(f"{name} [ {' '.join(map(written, values))} ]" for name, values in value.fields.items())
            return f"{value.kind} {{ {fields} }}"
    raise AssertionError(value)


@given(trees)
def test_what_is_written_is_read_again(tree: Node) -> None:
    assert written(only(written(tree))) == written(tree)


def outcome(text: str) -> str:
    try:
        parse(HEADER + text)
    except WbtError as error:
        return str(error)
    return "line 1: read"


@given(st.text())
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    assert outcome(text).startswith("line ")


@given(st.lists(st.sampled_from([*'{}[]",#', "DEF ", "USE ", "A ", "B ", "1 ", "TRUE ", "NULL ", "\n", "\\"])))
def test_any_mixture_of_tokens_is_read_or_refused_with_a_place(tokens: list[str]) -> None:
    assert outcome("".join(tokens)).startswith("line ")
