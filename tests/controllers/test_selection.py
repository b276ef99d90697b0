"""`--controllers`."""

import pytest

from controllers import ALIASES, CONTROLLERS
from controllers.selection import UnknownController, parse_selection, select

KNOWN = ("a-controller", "b-controller", "off-controller")
SHORT = {"a": "a-controller"}
OFF = {"off-controller"}


@pytest.mark.parametrize(("flag", "expected"), [
    ("*", {"a-controller", "b-controller"}),
    ("", {"a-controller", "b-controller"}),
    ("*,-a", {"b-controller"}),
    ("*,off-controller", set(KNOWN)),
    ("a", {"a-controller"}),
    ("-b-controller", set()),
    ("a,-a-controller", {"a-controller"}),
    ("-a-controller,a", set()),
])
def test_selection(flag: str, expected: set[str]) -> None:
    assert select(parse_selection(flag), KNOWN, SHORT, OFF) == expected


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownController, match='"nope" is not in the list of known controllers: '
                                                "a-controller, b-controller"):
        select(("*", "-nope"), KNOWN, SHORT)


def test_every_alias_means_a_controller_of_the_table() -> None:
    younger_than_aliases = {"validatingadmissionpolicy-status-controller"}
    assert set(ALIASES.values()) == set(CONTROLLERS) - younger_than_aliases


def test_the_table_is_keyed_by_the_controllers_own_names() -> None:
    assert [one.name for one in CONTROLLERS.values()] == list(CONTROLLERS)  # type: ignore[attr-defined]
