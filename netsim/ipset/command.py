"""The command ipset: create, add, del, test, destroy, list, save, restore, flush, rename, swap."""

from __future__ import annotations

import ipaddress
import shlex
from typing import TYPE_CHECKING, Final

from netsim.ipset.elements import IpsetError, element_text, parse_elements
from netsim.ipset.kinds import FLAGS, KINDS, VALUES
from netsim.ipset.sets import BITS, Entry, IpSet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["IpsetError", "ipset"]

_Sets = dict[str, IpSet]
_HINT: Final = "\nTry `ipset help' for more information."
_LONGEST_NAME: Final = 31
_INITVAL: Final = "0x00000000"
_COUNTED: Final = ("counters", "Packet/byte counters", "counter")
_NEEDED: Final = {"timeout": ("timeout", "Timeout", "timeout"),
                  "comment": ("comment", "Comment", "comment"),
                  "packets": _COUNTED, "bytes": _COUNTED}
"""What an option of an element needs of its set, and how the refusal calls both."""
_DESTROY_IN_USE: Final = "Set cannot be destroyed: it is in use by a kernel component"
_NO_SET: Final = "The set with the given name does not exist"


class _Run:
    """One run of the command."""

    def __init__(self, sets: _Sets, now: float, *, exist: bool, names: bool, terse: bool) -> None:
        self.sets, self.now = sets, now
        self.exist, self.names, self.terse = exist, names, terse

    def find(self, name: str) -> IpSet:
        """The set of that name. Raises IpsetError."""
        if name not in self.sets:
            raise IpsetError(_NO_SET)
        found = self.sets[name]
        found.expire(self.now)
        return found

    # ------------------------------------------------------------ sets

    def create(self, words: list[str]) -> str:
        """create NAME TYPE [OPTIONS]."""
        name, kind = words[0], words[1]
        if kind not in KINDS:
            raise IpsetError(f"Syntax error: typename '{kind}' is unknown")
        if len(name) > _LONGEST_NAME:
            raise IpsetError(f"Syntax error: setname '{name}' is longer than {_LONGEST_NAME} "
                             "characters")
        options = _options(words[2:])
        family = 6 if options.pop("family", "inet") == "inet6" else 4
        if kind.startswith("bitmap:") and "range" not in options:
            raise IpsetError(f"Mandatory option `range' is missing{_HINT}")
        fresh = IpSet(name, kind, family, options)
        old = self.sets.get(name)
        if old is None:
            self.sets[name] = fresh
        elif not (self.exist and (old.kind, old.family, old.options) == (kind, family, options)):
            raise IpsetError("Set cannot be created: set with the same name already exists")
        return ""

    def destroy(self, words: list[str]) -> str:
        """destroy [NAME]."""
        chosen = [self.find(words[0])] if words else list(self.sets.values())
        if any(one.references for one in chosen):
            raise IpsetError(_DESTROY_IN_USE)
        for one in chosen:
            self._let_go(one)
            del self.sets[one.name]
        return ""

    def _let_go(self, one: IpSet) -> None:
        for ((member, _),) in one.elements if one.kind == "list:set" else ():
            if member in self.sets:
                self.sets[member].held -= 1

    def flush(self, words: list[str]) -> str:
        """flush [NAME]."""
        for one in [self.find(words[0])] if words else list(self.sets.values()):
            self._let_go(one)
            one.clear()
        return ""

    def rename(self, words: list[str]) -> str:
        """rename FROM TO."""
        old, new = self.find(words[0]), words[1]
        if new in self.sets:
            raise IpsetError("Set cannot be renamed: a set with the new name already exists")
        if old.references:
            raise IpsetError("Set cannot be renamed: it is in use by another system")
        self.sets[new] = self.sets.pop(old.name)
        old.name = new
        return ""

    def swap(self, words: list[str]) -> str:
        """swap A B: they exchange what they hold; rules go on naming what they named."""
        one, other = self.find(words[0]), self.find(words[1])
        if one.kind != other.kind or one.family != other.family:
            raise IpsetError("The sets cannot be swapped: their type does not match")
        one.elements, other.elements = other.elements, one.elements
        one.lengths, other.lengths = other.lengths, one.lengths
        one.options, other.options = other.options, one.options
        return ""

    # ------------------------------------------------------------ elements

    def add(self, words: list[str]) -> str:
        """add NAME ELEMENT [OPTIONS]."""
        found = self.find(words[0])
        entry_options = _options(words[2:])
        for element in parse_elements(found, words[1]):
            self._check_range(found, element[0])
            if found.kind == "list:set":
                self._hold(str(element[0][0]))
            if element in found.elements and not self.exist:
                raise IpsetError("Element cannot be added to the set: it's already added")
            if element not in found.elements and len(found.elements) >= int(
                    found.options.get("maxelem", "65536")):
                raise IpsetError("Hash is full, cannot add more elements")
            found.add(element, self._entry(found, element_text(found, element), entry_options))
        return ""

    def _hold(self, name: str) -> None:
        if name not in self.sets:
            raise IpsetError("Set to be added/deleted/tested as element does not exist.")
        self.sets[name].held += 1

    def _entry(self, found: IpSet, text: str, options: dict[str, str]) -> Entry:
        for option, (needed, what, support) in _NEEDED.items():
            if option in options and not found.has(needed):
                raise IpsetError(f"{what} cannot be used: set was created without {support} "
                                 "support")
        seconds = float(options.get("timeout", found.options.get("timeout", "0")))
        return Entry(
            text, expires=self.now + seconds if seconds else 0.0, nomatch="nomatch" in options,
            packets=int(options.get("packets", "0")), bytes=int(options.get("bytes", "0")),
            comment=options.get("comment", ""),
        )

    def _check_range(self, found: IpSet, part: tuple[int, int]) -> None:
        if not found.kind.startswith("bitmap:"):
            return
        low, high = _range(found)
        number = part[1] if found.kind == "bitmap:port" else part[0]
        if not low <= number <= high:
            raise IpsetError("Element is out of the range of the set")

    def delete(self, words: list[str]) -> str:
        """del NAME ELEMENT."""
        found = self.find(words[0])
        for element in parse_elements(found, words[1]):
            if element in found.elements:
                if found.kind == "list:set":
                    self.sets[str(element[0][0])].held -= 1
                found.remove(element)
            elif not self.exist:
                raise IpsetError("Element cannot be deleted from the set: it's not added")
        return ""

    def test(self, words: list[str]) -> str:
        """test NAME ELEMENT: exit code 1 if it is not there."""
        found = self.find(words[0])
        (element, *_) = parse_elements(found, words[1])
        bits = BITS[found.family]
        for lengths in found.lengths:
            key = tuple(
                (part[0] >> bits - length << bits - length, length)
                if kind == "net" and part[1] == bits else part
                for part, kind, length in zip(element, found.dimensions, lengths, strict=True)
            )
            entry = found.elements.get(key)
            if entry is not None and not entry.nomatch:
                return f"{words[1]} is in set {words[0]}.\n"
            if entry is not None:
                break
        raise IpsetError(f"{words[1]} is NOT in set {words[0]}.")

    # ------------------------------------------------------------ texts

    def show(self, words: list[str]) -> str:
        """list [NAME]."""
        chosen = [self.find(words[0])] if words else [self.find(name) for name in self.sets]
        if self.names:
            return "".join(f"{one.name}\n" for one in chosen)
        return "\n".join(self._listed(one) for one in chosen)

    def _listed(self, one: IpSet) -> str:
        size = (88 if one.kind.startswith("bitmap:") else 216) + 40 * len(one.elements)
        text = (f"Name: {one.name}\nType: {one.kind}\nRevision: {KINDS[one.kind].revision}\n"
                f"Header: {_header(one)}\nSize in memory: {size}\nReferences: {one.references}\n"
                f"Number of entries: {len(self._shown(one))}\n")
        return text if self.terse else text + "Members:\n" + "".join(
            f"{line}\n" for line in self._shown(one))

    def _shown(self, one: IpSet) -> list[str]:
        lines = {entry.text + self._tail(one, entry): None for entry in one.elements.values()}
        return list(lines)

    def _tail(self, one: IpSet, entry: Entry) -> str:
        text = " nomatch" if entry.nomatch else ""
        if one.has("timeout"):
            text += f" timeout {max(0, int(entry.expires - self.now)) if entry.expires else 0}"
        if one.has("counters"):
            text += f" packets {entry.packets} bytes {entry.bytes}"
        return text + (f' comment "{entry.comment}"' if entry.comment else "")

    def save(self, words: list[str]) -> str:
        """save [NAME]: what `restore` reads."""
        chosen = [self.find(words[0])] if words else [self.find(name) for name in self.sets]
        return "".join(
            f"create {one.name} {one.kind} {_header(one)}\n"
            + "".join(f"add {one.name} {line}\n" for line in self._shown(one))
            for one in chosen
        )


def _options(words: Sequence[str]) -> dict[str, str]:
    """Options of create and add. Raises IpsetError."""
    found, rest = {}, list(words)
    while rest:
        word = rest.pop(0)
        is_text = word == "comment" and rest and rest[0] not in (*FLAGS, *VALUES)
        if word in (*FLAGS, "nomatch") and not is_text:
            found[word] = ""
        elif word in (*VALUES, "comment", "packets", "bytes"):
            if not rest:
                raise IpsetError(f"Missing mandatory argument of option `{word}'{_HINT}")
            found[word] = rest.pop(0)
        else:
            raise IpsetError(f"Unknown argument: `{word}'{_HINT}")
    return found


def _range(found: IpSet) -> tuple[int, int]:
    """Lowest and highest element of a bitmap. Raises IpsetError."""
    text = found.options["range"]
    first, dash, last = text.partition("-")
    try:
        if found.kind == "bitmap:port":
            return int(first), int(last if dash else first)
        if not dash:
            network = ipaddress.IPv4Network(text, strict=False)
            return int(network.network_address), int(network.broadcast_address)
        return int(ipaddress.IPv4Address(first)), int(ipaddress.IPv4Address(last))
    except ValueError:
        raise IpsetError(f"Syntax error: cannot parse {text} as a range") from None


def _header(one: IpSet) -> str:
    """The options, those that were not given too."""
    options = dict(one.options)
    if one.kind == "list:set":
        head = [f"size {options.pop('size', '8')}"]
    elif one.kind.startswith("bitmap:"):
        low, high = _range(one)
        if one.kind == "bitmap:ip":
            low_text, high_text = (str(ipaddress.IPv4Address(end)) for end in (low, high))
        else:
            low_text, high_text = str(low), str(high)
        head = [f"range {low_text}-{high_text}"]
        del options["range"]
    else:
        head = [f"family {'inet' if one.family == 4 else 'inet6'}",
                f"hashsize {options.pop('hashsize', '1024')}",
                f"maxelem {options.pop('maxelem', '65536')}"]
    bucket, seed = options.pop("bucketsize", "12"), options.pop("initval", _INITVAL)
    words = head + [f"{name} {value}".rstrip() for name, value in options.items()]
    if one.kind.startswith("hash:"):
        words += [f"bucketsize {bucket}", f"initval {seed}"]
    return " ".join(words)


_COMMANDS: Final[dict[str, tuple[Callable[[_Run, list[str]], str], int]]] = {
    "create": (_Run.create, 2), "add": (_Run.add, 2), "del": (_Run.delete, 2),
    "test": (_Run.test, 2), "flush": (_Run.flush, 0), "destroy": (_Run.destroy, 0),
    "list": (_Run.show, 0), "save": (_Run.save, 0), "rename": (_Run.rename, 2),
    "swap": (_Run.swap, 2),
}
"""By name: what it does, and how many words it needs."""
_SHORT: Final = {"-N": "create", "n": "create", "-A": "add", "-D": "del", "-T": "test",
                 "-F": "flush", "-X": "destroy", "x": "destroy", "-L": "list", "-S": "save",
                 "-R": "restore", "-E": "rename", "e": "rename", "-W": "swap", "w": "swap"}
_ORDINALS: Final = ("mandatory", "second mandatory", "third mandatory")


def ipset(sets: _Sets, argv: Sequence[str], *, now: float = 0.0, stdin: str = "") -> str:
    """Run `ipset argv`; what it prints. Raises IpsetError."""
    words = list(argv)
    flags = [word for word in words if word in ("-exist", "-!", "-n", "-name", "-t", "-terse",
                                                "-q", "-s", "-quiet", "-sorted", "-r", "-resolve")]
    words = [word for word in words if word not in flags]
    run = _Run(sets, now, exist=bool({"-exist", "-!"} & set(flags)),
               names=bool({"-n", "-name"} & set(flags)), terse=bool({"-t", "-terse"} & set(flags)))
    if not words:
        raise IpsetError(f"No command specified.{_HINT}")
    name = _SHORT.get(words[0], words[0])
    if name == "restore":
        return _restore(sets, stdin, now, flags)
    if name in ("version", "-v"):
        return "ipset v7.17, protocol version: 7\n"
    if name not in _COMMANDS:
        raise IpsetError(f"No command specified: unknown argument {words[0]}{_HINT}")
    command, needed = _COMMANDS[name]
    if len(words) - 1 < needed:
        which = _ORDINALS[len(words) - 1]
        raise IpsetError(f"Missing {which} argument to command {name}{_HINT}")
    return command(run, words[1:])


def _restore(sets: _Sets, text: str, now: float, flags: list[str]) -> str:
    """Run each line of what `save` printed. Raises IpsetError with the line."""
    for number, line in enumerate(text.splitlines(), 1):
        words = shlex.split(line, comments=True)
        if not words or words == ["COMMIT"]:
            continue
        try:
            ipset(sets, [*words, *flags], now=now)
        except IpsetError as problem:
            raise IpsetError(f"Error in line {number}: {problem}") from problem
    return ""
