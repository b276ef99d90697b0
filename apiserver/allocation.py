"""What the registry asks of an allocator that works inside the write. Models the Service registry's
`alloc.go`: BeginCreate, BeginUpdate and AfterDelete of `pkg/registry/core/service/storage`.

The registry calls `begin` after defaulting and before validation, with a private copy of the
object, so that a created Service comes back with its address:

    begin(obj, old) ── errors ──> rollback, 422 Invalid with them
         │
         ├─ validation or the store refuses, or it is a dry run ──> rollback
         └─ stored ──> commit

Between `begin` and `commit` a value counts as taken. `release` follows a deletion; `adopt` reads
what a store held before the server started. All is synchronous and never called concurrently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object
    from apiserver.machinery.validation import FieldError


class Allocation(Protocol):
    """What one write has taken and given up so far. Exactly one of the two methods is called."""

    @property
    def errors(self) -> Sequence[FieldError]:
        """Why the write cannot have what it asks for; empty when it can."""

    def commit(self) -> None:
        """The write is stored: keep what was taken, free what only the old object held."""

    def rollback(self) -> None:
        """The write failed or was a dry run: as if it had never begun."""


class Allocator(Protocol):
    """Gives out unique values of a kind (cluster IPs and node ports of Services)."""

    def begin(self, obj: Object, old: Object | None, *, dry_run: bool) -> Allocation:
        """Fill the values into `obj` in place (`old` is None on create and never changed).

        On update it also carries over what the client left out and the old object holds. On a dry
        run a value in use is no error, and nothing that is filled in stays taken.
        """

    def release(self, obj: Object) -> None:
        """A deleted object's values are free again."""

    def adopt(self, obj: Object) -> None:
        """Count the values of an object that the store already held as taken."""
