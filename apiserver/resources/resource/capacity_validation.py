"""What is wrong with the capacities of a device, and how much of them may be asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.quantity import Quantity, parse_quantity
from apiserver.machinery.validation import FieldError, Path, forbidden, invalid, required
from apiserver.resources.resource.parts import each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object

_MOST_OPTIONS: Final = 10


def whole_errors(capacity: Object, path: Path) -> list[FieldError]:
    """Of a device that one claim has: nobody asks for a part of it."""
    if capacity.get("requestPolicy") is None:
        return []
    return [forbidden(path.child("requestPolicy"), "allowMultipleAllocations must be true")]


def shared_errors(capacity: Object, path: Path) -> list[FieldError]:
    """Of a device that several claims have."""
    policy, own = capacity.get("requestPolicy"), path.child("requestPolicy")
    if policy is None:
        return []
    values, bounds = policy.get("validValues") or (), policy.get("validRange")
    if values and bounds is not None:
        return [forbidden(own, 'exactly one policy can be specified, cannot specify "validValues" '
                          'and "validRange" at the same time')]
    if not values and bounds is None:
        return []
    name = "validValues" if values else "validRange"
    if policy.get("default") is None:
        return [required(own.child("default"), f"required when {name} is defined")]
    default, most = parse_quantity(policy["default"]), parse_quantity(capacity.get("value") or "0")
    if values:
        return _values_errors([parse_quantity(v) for v in values], default, most, own.child(name))
    return _range_errors({key: parse_quantity(v) for key, v in bounds.items() if v is not None},
                         default, most, own.child(name))


def _values_errors(values: Sequence[Quantity], default: Quantity, most: Quantity,
                   path: Path) -> list[FieldError]:
    errors = [invalid(path.at(i), str(value), "values must be sorted in ascending order")
              for i, value in enumerate(values) if i and values[i - 1] > value]
    errors += each(values, _MOST_OPTIONS, path, lambda value, at: [invalid(
        at, str(value), f"option is larger than capacity value: {most}")] if value > most else [],
        lambda value: str(value.value))
    if len(values) > _MOST_OPTIONS or default.nano not in {value.nano for value in values}:
        errors.append(invalid(path, str(default),
                              "default value is not valid according to the requestPolicy"))
    return errors


def _range_errors(bounds: dict[str, Quantity], default: Quantity, most: Quantity,
                  path: Path) -> list[FieldError]:
    low, high, step = (bounds.get(name) for name in ("min", "max", "step"))
    if low is None:
        return [required(path.child("min"), "required when validRange is defined")]
    errors: list[FieldError] = []
    if low > most:
        errors.append(_wrong(path.child("min"), low, "min is larger than capacity value", most))
    if low > default:
        errors.append(_wrong(path.child("default"), default, "default is less than min", low))
    if high is not None:
        own = path.child("max")
        if low > high:
            errors.append(_wrong(own, low, "min is larger than max", high))
        if high > most:
            errors.append(_wrong(own, high, "max is larger than capacity value", most))
        if default > high:
            errors.append(_wrong(path.child("default"), default, "default is more than max", high))
    return errors if step is None else errors + _step_errors(
        step, low, [default, high], most, path.child("step"))


def _wrong(path: Path, value: Quantity, text: str, limit: Quantity) -> FieldError:
    return invalid(path, str(value), f"{text}: {limit}")


def _step_errors(step: Quantity, low: Quantity, values: Sequence[Quantity | None],
                 most: Quantity, path: Path) -> list[FieldError]:
    if step.nano <= 0:
        return [invalid(path, str(step), "must be greater than zero")]
    first = low + step
    errors = [_wrong(path, step, f"one step {first} is larger than capacity value", most)] \
        if first > most else []
    return errors + [
        invalid(path, str(value),
                f"value is not a multiple of a given step ({step}) from ({low})")
        for value in values
        if value is not None and (value.value - low.value) % step.value]
