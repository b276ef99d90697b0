"""nft on a simulated node."""

from __future__ import annotations


def test_tables_are_made_in_one_command_and_listed_in_the_next(world):
    world.out("sudo nft add table ip t")
    assert world.out("sudo nft list ruleset") == "table ip t {\n}\n"


def test_a_file_from_the_input_is_carried_out(world):
    world.out("echo 'table ip t { chain c { drop; } }' | sudo nft -f -")
    assert world.out("nft list chain ip t c") == "table ip t {\n\tchain c {\n\t\tdrop\n\t}\n}\n"


def test_what_is_not_there_is_an_error_with_its_place(world):
    code, out, err = world.run("nft list table ip nope")
    assert (code, out) == (1, "")
    assert err == "Error: No such file or directory\nlist table ip nope\n              ^^^^\n"
