"""How Go's fmt prints JSON values (%v): Kubernetes' patch errors show maps that way."""

from __future__ import annotations

from typing import Any


def go_text(value: Any) -> str:
    """`map[a:1 b:[x y]]`; null is `<nil>`."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{go_text(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(go_text(item) for item in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "<nil>"
    return go_float(value) if isinstance(value, float) else str(value)


def go_float(value: float) -> str:
    """%v of a float64: the shortest form, exponents as `1e+06`."""
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    text = repr(float(value))
    unsigned = "e" in text and "e-" not in text and "e+" not in text
    return text.replace("e", "e+") if unsigned else text
