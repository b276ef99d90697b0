"""The arguments of one iptables command line, or of one line of restore text. Models do_parse().

The grammar is getopt_long's with iptables' own turns: `!` inverts the next option, `-m` and `-j`
bring options of their own, an unknown option makes `-p tcp` bring `-m tcp`, long options may be
shortened, and a word may follow -A's chain. `scan` reads it into `Arguments`; what the options mean
together is looked at only when the end was reached.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from netsim.netfilter.addresses import parse_addresses
from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Given, Option, Value
from netsim.netfilter.matches import MATCHES
from netsim.netfilter.names import PROTOCOL_NUMBER, check_interface_name, parse_protocol
from netsim.netfilter.ruleset import AddressTest, InterfaceTest, Jump, ProtocolTest, RuleSpec
from netsim.netfilter.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    from netsim.netfilter.extension import Extension, Match, Target

COMMANDS: Final = "ADRICLSFZNXEP"
"""Letters of the commands; one of them a line."""

_LONG: Final = {
    "append": "A", "delete": "D", "check": "C", "insert": "I", "replace": "R", "list": "L",
    "list-rules": "S", "flush": "F", "zero": "Z", "new-chain": "N", "delete-chain": "X",
    "rename-chain": "E", "policy": "P", "source": "s", "destination": "d", "src": "s", "dst": "d",
    "protocol": "p", "in-interface": "i", "jump": "j", "table": "t", "match": "m", "numeric": "n",
    "out-interface": "o", "verbose": "v", "wait": "w", "wait-interval": "W", "exact": "x",
    "fragments": "f", "version": "V", "help": "h", "line-numbers": "0", "modprobe": "M",
    "set-counters": "c", "goto": "g", "ipv4": "4", "ipv6": "6",
}
_WITH_ARGUMENT: Final = "ACDRINEPpsdjiotmcgM"
_FLAGS: Final = "nvx0fVh46"
_OPTIONAL: Final = "LSFZXwW"
_RULE_OPTIONS: Final = "psdjiog"
_NAME_OPTIONS: Final = {"m": "--match", "t": "--table"}
_MODULE_OF: Final = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6", 132: "sctp"}
_NO_INPUT: Final = ("OUTPUT", "POSTROUTING")
_NO_OUTPUT: Final = ("PREROUTING", "INPUT")
_OF_SETS: Final = ("--match-set", "--add-set", "--del-set")
_LONGEST_NAME: Final = 28


@dataclass(slots=True)
class Loaded:
    """A match or target that the line brought in, with the options given to it."""

    kind: type[Extension]
    given: Given


@dataclass(slots=True)
class Arguments:
    """What one line says."""

    family: int
    table: str = "filter"
    command: str = ""
    words: list[str] = field(default_factory=list)
    """The command's chain and whatever follows it: rule number, new name, policy."""
    flags: set[str] = field(default_factory=set)
    """Letters of the options given besides the command."""
    sources: list[AddressTest] = field(default_factory=list)
    destinations: list[AddressTest] = field(default_factory=list)
    in_interface: InterfaceTest | None = None
    out_interface: InterfaceTest | None = None
    protocol: ProtocolTest | None = None
    protocol_text: str = ""
    fragment: bool | None = None
    matches: list[Loaded] = field(default_factory=list)
    target: Loaded | None = None
    jump: Jump | None = None
    counters: tuple[int, int] = (0, 0)
    warnings: list[str] = field(default_factory=list)
    """What the command says on stderr although it goes on."""

    def specs(self) -> list[RuleSpec]:
        """The rules that the line describes: one for each pair of -s and -d addresses.

        Raises RuleSyntaxError.
        """
        matches = tuple(finish(loaded, self.protocol) for loaded in self.matches)
        target = finish(self.target, self.protocol) if self.target else self.jump
        self.warnings += [text for loaded in self.matches for text in loaded.given.warnings]
        return [
            RuleSpec(
                source=source, destination=destination, in_interface=self.in_interface,
                out_interface=self.out_interface, protocol=self.protocol, fragment=self.fragment,
                matches=matches, target=target,  # type: ignore[arg-type]
            )
            for source in self.sources or [None]  # type: ignore[list-item]
            for destination in self.destinations or [None]  # type: ignore[list-item]
        ]


def finish(loaded: Loaded, protocol: ProtocolTest | None) -> Match | Target:
    """The match or target, from its options. Raises RuleSyntaxError."""
    given = loaded.given
    given.protocol = protocol
    given.warnings = []
    for option in loaded.kind.options:
        _check_option(option, given)
    return loaded.kind.parse(given)  # type: ignore[return-value]


def _check_option(option: Option, given: Given) -> None:
    module = given.module
    if not given.has(option.name):
        if option.required:
            raise RuleSyntaxError(f'{module}: option "{option.name}" must be specified\n')
        return
    for other in option.requires:
        if not given.has(other):
            raise RuleSyntaxError(f'{module}: option "{option.name}" also requires "{other}".\n')
    for other in option.excludes:
        if given.has(other):
            raise RuleSyntaxError(
                f'{module}: option "{option.name}" cannot be used together with "{other}".\n'
            )


def scan(
    argv: Sequence[str], family: int, has_chain: Callable[[str, str], bool] | None = None,
    sets: Container[str] | None = None,
) -> Arguments:
    """Read a line. `has_chain(table, name)` says whether a target that is no extension exists,
    `sets` has the names of ipsets; without them that is not asked. Raises RuleSyntaxError.
    """
    return _Scanner(argv, family, has_chain, sets).scan()


class _Scanner:
    """One pass over the words of a line."""

    def __init__(
        self, argv: Sequence[str], family: int, has_chain: Callable[[str, str], bool] | None,
        sets: Container[str] | None,
    ) -> None:
        self.argv = argv
        self.place = 0
        self.invert = False
        self.found = Arguments(family)
        self.has_chain = has_chain
        self.sets = sets
        self.proto_tried = False
        self.owners: list[Loaded] = []
        """Matches and target in the order in which they came: the last one's options go first."""

    def scan(self) -> Arguments:
        """All words, then what can only be said at the end."""
        while self.place < len(self.argv):
            word = self.argv[self.place]
            self.place += 1
            if word == "!":
                if self.invert:
                    raise RuleSyntaxError("multiple consecutive ! not allowed")
                self.invert = True
                continue
            self._word(word)
            self.invert = False
        self._check_end()
        return self.found

    def _word(self, word: str) -> None:
        if word.startswith("--") and len(word) > 2:
            self._long(word)
        elif word == "--":
            self._rest()
        elif word.startswith("-") and len(word) > 1:
            self._short(word)
        else:
            raise RuleSyntaxError(f"Bad argument `{word}'")

    def _rest(self) -> None:
        if self.place < len(self.argv):
            raise RuleSyntaxError(f"Bad argument `{self.argv[self.place]}'")

    # ------------------------------------------------------------ options

    def _short(self, word: str) -> None:
        """-x, -xARGUMENT or several letters in one word."""
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in _FLAGS:
                self._main(letter, "")
            elif letter in _WITH_ARGUMENT:
                self._main(letter, letters or self._next(f"-{letter}"))
                return
            elif letter in _OPTIONAL:
                self._main(letter, letters or self._optional())
                return
            else:
                raise RuleSyntaxError(f'unknown option "-{letter}"')

    def _long(self, word: str) -> None:
        name, equals, value = word.partition("=")
        argument = value if equals else None
        owner, option = self._find(name)
        if isinstance(option, str):
            self._long_main(option, name, argument)
        elif option is not None and owner is not None:
            self._extension(owner, option, name, argument)
        elif not self._load_protocol():
            raise RuleSyntaxError(f'unknown option "{word}"')
        else:
            self._long(word)

    def _long_main(self, letter: str, name: str, argument: str | None) -> None:
        if letter in _FLAGS:
            self._main(letter, "")
        elif letter in _OPTIONAL:
            self._main(letter, self._optional() if argument is None else argument)
        else:
            self._main(letter, self._next(name) if argument is None else argument)

    def _find(self, name: str) -> tuple[Loaded | None, Option | str | None]:
        """The option of that name, or the only one that begins so; its owner if it has one."""
        wanted = name[2:]
        if wanted in _LONG:
            return None, _LONG[wanted]
        begun: dict[tuple[int, str], tuple[Loaded | None, Option | str]] = {
            (0, letter): (None, letter) for long, letter in _LONG.items() if long.startswith(wanted)
        }
        for owner in reversed(self.owners):
            for option in owner.kind.options:
                if name in (option.name, option.alias):
                    return owner, option
                if option.name.startswith(name) or option.alias.startswith(name):
                    begun[(id(owner), option.name)] = (owner, option)
        return next(iter(begun.values())) if len(begun) == 1 else (None, None)

    def _next(self, option: str) -> str:
        if self.place >= len(self.argv):
            raise RuleSyntaxError(f'option "{option}" requires an argument')
        self.place += 1
        return self.argv[self.place - 1]

    def _optional(self) -> str:
        """The next word, unless it is an option or a !."""
        if self.place < len(self.argv) and self.argv[self.place][:1] not in ("-", "!"):
            self.place += 1
            return self.argv[self.place - 1]
        return ""

    def _extension(
        self, owner: Loaded, option: Option, name: str, argument: str | None
    ) -> None:
        """An option of a match or target."""
        given = owner.given
        if given.has(option.name):
            raise RuleSyntaxError(
                option.repeated
                or f'{given.module}: option "{option.name}" can only be used once.\n'
            )
        if self.invert and not option.invertible:
            raise RuleSyntaxError(f'{given.module}: option "{option.name}" cannot be inverted.\n')
        text = second = ""
        if option.arguments:
            text = self._next(name) if argument is None else argument
        if option.arguments == 2:
            second = self._optional()
            if not second:
                raise RuleSyntaxError(option.incomplete)
        if option.name in _OF_SETS and self.sets is not None and text not in self.sets:
            raise RuleSyntaxError(f"Set {text} doesn't exist.\n")
        if name == "--set" and option.alias == name:
            self.found.warnings.append("--set option deprecated, please use --match-set")
        given.values[option.name] = Value(text, self.invert, second)

    def _load_protocol(self) -> bool:
        """Bring in the match of -p, once, unless it was brought in by name."""
        protocol = self.found.protocol
        if protocol is None or self.proto_tried:
            return False
        self.proto_tried = True
        module = _MODULE_OF.get(protocol.protocol)
        if module is None or any(loaded.kind.name == module for loaded in self.found.matches):
            return False
        return self._load_match(module)

    def _load_match(self, name: str) -> bool:
        kind = MATCHES.get(name)
        if kind is None or self.found.family not in kind.families:
            return False
        self.found.matches.append(Loaded(kind, Given(name, self.found.family)))
        self.owners.append(self.found.matches[-1])
        return True

    # ------------------------------------------------------------ main options

    def _main(self, letter: str, argument: str) -> None:
        if letter in COMMANDS:
            self._command(letter, argument)
            return
        if self.invert and letter not in "psdiof":
            name = _NAME_OPTIONS.get(letter)
            raise RuleSyntaxError(
                f"unexpected ! flag before {name}" if name else f"cannot have ! before -{letter}"
            )
        shown = "j" if letter == "g" else letter
        if shown in self.found.flags and letter not in "mt":
            raise RuleSyntaxError(f"multiple -{shown} flags not allowed")
        self.found.flags.add(shown)
        if letter == "W":
            self.found.warnings.append("Ignoring deprecated --wait-interval option.")
        if letter in "46" and int(letter) != self.found.family:
            raise RuleSyntaxError("")
        handler = _HANDLERS.get(letter)
        if handler is not None:
            handler(self, argument)

    def _command(self, letter: str, argument: str) -> None:
        found = self.found
        if found.command and {found.command, letter} not in ({"L", "Z"}, {"S", "Z"}):
            raise RuleSyntaxError(f"Cannot use -{letter} with -{found.command}")
        if found.command:
            found.flags.add("Z")
            found.command = letter if letter != "Z" else found.command
        else:
            found.command = letter
        if argument or letter not in _OPTIONAL:
            found.words.append(argument)
        if letter in "DRILSZEP" and (argument or letter not in _OPTIONAL):
            extra = self._optional()
            found.words += [extra] if extra else []

    def _source(self, argument: str) -> None:
        self.found.sources = self._addresses(argument)

    def _destination(self, argument: str) -> None:
        self.found.destinations = self._addresses(argument)

    def _addresses(self, text: str) -> list[AddressTest]:
        if self.invert and "," in text:
            raise RuleSyntaxError(
                "! not allowed with multiple source or destination IP addresses"
            )
        tests = parse_addresses(self.found.family, text, self.invert)
        return [test for test in tests if test.mask or test.inverted]

    def _in_interface(self, argument: str) -> None:
        self.found.in_interface = self._interface(argument)

    def _out_interface(self, argument: str) -> None:
        self.found.out_interface = self._interface(argument)

    def _interface(self, name: str) -> InterfaceTest | None:
        if not name:
            raise RuleSyntaxError("Empty interface is likely to be undesired")
        check_interface_name(name)
        if any(letter in " /" for letter in name):
            self.found.warnings.append(
                f"Warning: weird character in interface `{name}' "
                "('/' and ' ' are not allowed by the kernel)."
            )
        return InterfaceTest(name, self.invert) if name != "+" or self.invert else None

    def _protocol(self, argument: str) -> None:
        number = parse_protocol(argument)
        if number == 0 and self.invert:
            raise RuleSyntaxError("rule would never match protocol")
        self.found.protocol = ProtocolTest(number, self.invert) if number else None

    def _fragment(self, argument: str) -> None:
        if self.found.family == 6:
            raise RuleSyntaxError("`-f' is not supported in IPv6, use -m frag instead")
        self.found.fragment = not self.invert

    def _table(self, argument: str) -> None:
        self.found.table = argument

    def _match(self, argument: str) -> None:
        if not self._load_match(argument):
            raise RuleSyntaxError(f"Couldn't load match `{argument}':No such file or directory\n")

    def _counters(self, argument: str) -> None:
        second = self._optional()
        if not second:
            raise RuleSyntaxError("-c requires packet and byte counter")
        if not argument.isdigit():
            raise RuleSyntaxError("-c packet counter not numeric")
        if not second.isdigit():
            raise RuleSyntaxError("-c byte counter not numeric")
        self.found.counters = int(argument), int(second)

    def _jump(self, argument: str) -> None:
        _check_target_name(argument)
        kind = TARGETS.get(argument)
        if kind is not None and self.found.family in kind.families:
            self.found.target = Loaded(kind, Given(argument, self.found.family))
            self.owners.append(self.found.target)
        else:
            self.found.jump = Jump(argument)

    def _goto(self, argument: str) -> None:
        _check_target_name(argument)
        self.found.jump = Jump(argument, goto=True)

    # ------------------------------------------------------------ at the end

    def _check_end(self) -> None:
        found = self.found
        jump, has_chain = found.jump, self.has_chain
        if jump is not None and has_chain is not None and not has_chain(found.table, jump.chain):
            raise RuleSyntaxError(f"Chain '{jump.chain}' does not exist")
        if found.command not in ("A", "I", "R", "D", "C") or not found.words:
            return
        chain = found.words[0]
        if found.in_interface and chain in _NO_INPUT:
            raise RuleSyntaxError(f"Can't use -i with {chain}\n")
        if found.out_interface and chain in _NO_OUTPUT:
            raise RuleSyntaxError(f"Can't use -o with {chain}\n")
        for loaded in found.matches:
            self._check_transport(loaded)

    def _check_transport(self, loaded: Loaded) -> None:
        """-m tcp with options needs -p tcp (the kernel itself looks after the rest)."""
        if loaded.kind.name not in ("tcp", "udp") or not loaded.given.values:
            return
        protocol = self.found.protocol
        if protocol is None or protocol.protocol != PROTOCOL_NUMBER[loaded.kind.name]:
            raise RuleSyntaxError(
                f"{loaded.kind.name.upper()} match requires '-p {loaded.kind.name}'"
            )


_HANDLERS: Final[dict[str, Callable[[_Scanner, str], None]]] = {
    "s": _Scanner._source, "d": _Scanner._destination, "i": _Scanner._in_interface,
    "o": _Scanner._out_interface, "p": _Scanner._protocol, "f": _Scanner._fragment,
    "t": _Scanner._table, "m": _Scanner._match, "c": _Scanner._counters, "j": _Scanner._jump,
    "g": _Scanner._goto,
}


def _check_target_name(name: str) -> None:
    if not name:
        raise RuleSyntaxError("Invalid target name (too short)")
    if len(name) > _LONGEST_NAME:
        raise RuleSyntaxError(f"Invalid target name `{name}' ({_LONGEST_NAME} chars max)")
