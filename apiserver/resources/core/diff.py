"""What has changed between two specs, for messages. Kubernetes shows the output of go-cmp there,
whose form is not stable; ours names every changed field with its two values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apiserver.machinery.validation import go_value, same

if TYPE_CHECKING:
    from collections.abc import Iterator


def spec_diff(name: str, old: Any, new: Any) -> str:
    """A diff in the manner of go-cmp."""
    lines = "".join(f"  \t{line}\n" for line in _changes("", old, new))
    return f"  core.{name}{{\n{lines}  }}\n"


def _changes(path: str, old: Any, new: Any) -> Iterator[str]:
    if same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _changes(f"{path}.{key}" if path else key, old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (a, b) in enumerate(zip(old, new, strict=True)):
            yield from _changes(f"{path}[{i}]", a, b)
    else:
        if old is not None:
            yield f"- {path}: {go_value(old)},"
        if new is not None:
            yield f"+ {path}: {go_value(new)},"
