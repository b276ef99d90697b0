"""PodTemplates. Models pkg/registry/core/podtemplate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.machinery.validation import FieldError, Path
from apiserver.resource import Resource
from apiserver.resources.core.pod_defaults import default_template
from apiserver.resources.core.pod_validation import template_errors
from apiserver.resources.core.pod_warnings import pod_warnings
from apiserver.resources.printing import (
    NAME,
    container_images,
    container_names,
    labels,
    named,
)
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_PATH = Path("template")


class PodTemplateStrategy(Strategy):
    """What pods can be made from."""

    create_on_update = True
    delete_returns_object = True

    def default(self, obj: Object) -> None:
        default_template(obj.setdefault("template", {}))

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return template_errors(obj.get("template") or {}, _PATH)

    def generation_changed(self, obj: Object, old: Object) -> bool:
        return bool(obj.get("template") != old.get("template"))

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        template = obj.get("template") or {}
        if old is not None and template == old.get("template"):
            return []
        return pod_warnings(template.get("spec") or {}, template.get("metadata") or {}, _PATH)


PODTEMPLATES = Resource(
    group="", version="v1", kind="PodTemplate", plural="podtemplates",
    strategy=PodTemplateStrategy(),
    columns=(
        NAME,
        named("Containers", container_names("template", "spec"), "Names of its containers."),
        named("Images", container_images("template", "spec"), "Images of its containers."),
        named("Pod Labels", labels("template", "metadata", "labels"), "Labels of its pods.")))
