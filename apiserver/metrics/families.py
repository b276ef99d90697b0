"""The metrics by kube-apiserver's names: each is one entry, with labels, help and where it comes
from. Models the registrations of apiserver/pkg/endpoints/metrics, util/flowcontrol/metrics,
storage/etcd3/metrics and component-base/metrics/prometheus/slis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from apiserver.metrics.admission import admission
from apiserver.metrics.family import Family, MoreFamilies, no_more
from apiserver.metrics.recorder import Labels
from apiserver.storage.keys import collection_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apiserver.flowcontrol.controller import FlowControl
    from apiserver.health import Health
    from apiserver.limits import Limits
    from apiserver.machinery.types import Object
    from apiserver.metrics.recorder import Recorder
    from apiserver.registry.registry import Registry

_REQUEST: Final = (*Labels._fields,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the numbers are."""

    registry: Registry
    recorder: Recorder
    limits: Limits
    health: Health
    version: Object
    flow: FlowControl | None = None
    more: MoreFamilies = no_more


async def families(sources: Sources) -> list[Family]:
    """Everything for /metrics."""
    return [*_requests(sources.recorder), *_in_flight(sources), *_who(sources.recorder),
            *_watched(sources), *admission(sources.registry.admission.counts),
            *await _objects(sources.registry), *_flows(sources.flow), build(sources.version),
            *slis(sources), *sources.more()]


def _requests(recorder: Recorder) -> Iterator[Family]:
    records = recorder.records()
    yield Family(
        "apiserver_request_total", "counter", "STABLE",
        "Counter of apiserver requests broken out for each verb, dry run value, group, version,"
        " resource, scope, component, and HTTP response code.", (*_REQUEST, "dry_run", "code"),
        [((*each.labels, each.dry_run, str(code)), number)
         for each in records for code, number in sorted(each.codes.items())])
    yield Family(
        "apiserver_request_duration_seconds", "histogram", "STABLE",
        "Response latency distribution in seconds for each verb, dry run value, group, version,"
        " resource, subresource, scope and component.", (*_REQUEST, "dry_run"),
        [((*each.labels, each.dry_run), each.durations) for each in records])
    yield Family(
        "apiserver_response_sizes", "histogram", "STABLE",
        "Response size distribution in bytes for each group, version, verb, resource, subresource,"
        " scope and component.", _REQUEST,
        [(each.labels, each.sizes) for each in records if each.sizes is not None])
    yield Family(
        "apiserver_longrunning_requests", "gauge", "STABLE",
        "Gauge of all active long-running apiserver requests broken out by verb, group, version,"
        " resource, scope and component. Not all requests are tracked this way.", _REQUEST,
        sorted(recorder.long_running.items()))


def _watched(sources: Sources) -> Iterator[Family]:
    """What was sent to watches: told apart by kind, since 1.34 by resource."""
    by_resource = sources.registry.schema.minor >= _RESOURCE_OBJECTS
    found = [((each.gvr.group, each.gvr.version,
               each.gvr.resource if by_resource else each.kind), each.sizes)
             for each in sources.recorder.watched()]
    labels = ("group", "version", "resource" if by_resource else "kind")
    yield Family("apiserver_watch_events_total", "counter", "ALPHA",
                 "Number of events sent in watch clients", labels,
                 [(values, sizes.number) for values, sizes in found])
    yield Family("apiserver_watch_events_sizes", "histogram", "ALPHA",
                 "Watch event size distribution in bytes", labels, found)


def _in_flight(sources: Sources) -> Iterator[Family]:
    limits = sources.limits
    yield Family(
        "apiserver_current_inflight_requests", "gauge", "STABLE",
        "Maximal number of currently used inflight request limit of this apiserver per request"
        " kind in last second.", ("request_kind",),
        ((("mutating",), limits.mutating.taken), (("readOnly",), limits.read_only.taken)))


def _who(recorder: Recorder) -> Iterator[Family]:
    yield Family("authentication_attempts", "counter", "ALPHA",
                 "Counter of authenticated attempts.", ("result",),
                 (((result,), number) for result, number in recorder.authentications.items()))
    yield Family("authorization_attempts_total", "counter", "ALPHA",
                 "Counter of authorization attempts broken down by result. It can be either"
                 " 'allowed', 'denied', 'no-opinion' or 'error'.", ("result",),
                 (((result,), number) for result, number in recorder.authorizations.items()))
    yield Family("apiserver_requested_deprecated_apis", "gauge", "STABLE",
                 "Gauge of deprecated APIs that have been requested, broken out by API group,"
                 " version, resource, subresource, and removed_release.",
                 ("group", "version", "resource", "subresource", "removed_release"),
                 (((*each, ""), 1) for each in sorted(recorder.deprecated)))


async def _objects(registry: Registry) -> list[Family]:
    counts: list[tuple[tuple[str, str], int]] = []
    for resource in registry.catalog:
        if "watch" in resource.verbs and resource.shared is None:
            page = await registry.store.list(collection_prefix(resource))
            counts.append(((resource.group, resource.plural), len(page.versions)))
    old = Family("apiserver_storage_objects", "gauge", "STABLE",
                 "Number of stored objects at the time of last check split by kind. In case of a"
                 " fetching error, the value will be -1.", ("resource",),
                 [((f"{plural}.{group}" if group else plural,), number)
                  for (group, plural), number in counts])
    new = Family("apiserver_resource_objects", "gauge", "ALPHA",
                 "Number of stored objects at the time of last check split by kind. In case of a"
                 " fetching error, the value will be -1.", ("group", "resource"), counts)
    return [old, new] if registry.schema.minor >= _RESOURCE_OBJECTS else [old]


_RESOURCE_OBJECTS: Final = 34
"""The minor version since which objects are counted by group and resource."""


def _flows(flow: FlowControl | None) -> Iterator[Family]:
    levels = list(flow.levels.values()) if flow is not None else []
    both = ("flow_schema", "priority_level")
    yield Family("apiserver_flowcontrol_dispatched_requests_total", "counter", "BETA",
                 "Number of requests executed by API Priority and Fairness subsystem", both,
                 [((schema, level.name), number) for level in levels
                  for schema, number in level.dispatched.items()])
    yield Family("apiserver_flowcontrol_rejected_requests_total", "counter", "BETA",
                 "Number of requests rejected by API Priority and Fairness subsystem",
                 (*both, "reason"),
                 [((schema, level.name, reason), number) for level in levels
                  for (schema, reason), number in level.rejected.items()])
    for name, stability, text, of in _LEVELS:
        yield Family(f"apiserver_flowcontrol_{name}", "gauge", stability, text,
                     ("priority_level",), [((level.name,), of(level)) for level in levels])


_LEVELS: Final[Sequence[tuple[str, Any, str, Any]]] = (
    ("current_executing_seats", "BETA",
     "Concurrency (number of seats) occupied by the currently executing (initial stage for a"
     " WATCH, any stage otherwise) requests in the API Priority and Fairness subsystem",
     lambda level: level.taken),
    ("current_inqueue_seats", "ALPHA",
     "Number of seats currently pending in queues of the API Priority and Fairness subsystem",
     lambda level: len(level.waiting)),
    ("nominal_limit_seats", "BETA",
     "Nominal number of execution seats configured for each priority level",
     lambda level: level.nominal),
    ("lower_limit_seats", "ALPHA",
     "Configured lower bound on number of execution seats available to each priority level",
     lambda level: level.nominal - level.lendable))


def build(version: Object) -> Family:
    """kubernetes_build_info of what /version says."""
    fields = {"major": "major", "minor": "minor", "git_version": "gitVersion",
              "git_commit": "gitCommit", "git_tree_state": "gitTreeState",
              "build_date": "buildDate", "go_version": "goVersion", "compiler": "compiler",
              "platform": "platform"}
    return Family("kubernetes_build_info", "gauge", "ALPHA",
                  "A metric with a constant '1' value labeled by major, minor, git version, git"
                  " commit, git tree state, build date, Go version, and compiler from which"
                  " Kubernetes was built, and platform on which it is running.", tuple(fields),
                  [([str(version.get(each, "")) for each in fields.values()], 1)])


def slis(sources: Sources) -> Iterator[Family]:
    """What /metrics/slis has: whether the checks pass, and how often they did."""
    states = list(sources.health.states())
    yield Family("kubernetes_healthcheck", "gauge", "STABLE",
                 "This metric records the result of a single healthcheck.", ("name", "type"),
                 [((name, kind), int(good)) for name, kind, good in states])
    yield Family("kubernetes_healthchecks_total", "counter", "STABLE",
                 "This metric records the results of all healthcheck.",
                 ("name", "type", "status"),
                 [(key, number) for key, number in sources.health.results.items()])


