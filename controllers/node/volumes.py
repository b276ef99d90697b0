"""What is mounted into containers, as text by path. Models pkg/volume/{configmap,secret,projected,
downwardapi}: files come from the API; emptyDir, hostPath and the rest start empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apiserver.machinery.later import Later
from apiserver.machinery.meta import namespace
from controllers.node.environment import ConfigError, Sources, decode_secret, field_value
from controllers.node.tokens import wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.machinery.types import Object

Files = dict[str, str | Later]
"""Relative path -> text."""


class MountError(Exception):
    """A volume cannot be set up yet: the text of the event FailedMount."""


def volume_files(pod: Object, sources: Sources) -> dict[str, Files]:
    """The files of each volume of the pod. Raises MountError."""
    return {volume["name"]: _files(volume, sources) for volume in pod["spec"].get("volumes") or ()}


def references(pod: Object) -> set[str]:
    """What the volumes are made of: `configmaps/default/web`, `secrets/default/key`."""
    place = namespace(pod)
    found = set()
    for volume in pod["spec"].get("volumes") or ():
        for source in (volume, *((volume.get("projected") or {}).get("sources") or ())):
            if "configMap" in source:
                found.add(f"configmaps/{place}/{source['configMap'].get('name', '')}")
            if "secret" in source:
                secret = source["secret"]
                found.add(f"secrets/{place}/{secret.get('secretName') or secret.get('name', '')}")
    return found


def mounted(container: Mapping[str, Any], volumes: Mapping[str, Mapping[str, str | Later]], *,
            live: bool = False) -> dict[str, str]:
    """Absolute path -> text of everything that the container's mounts bring; with `live` only what
    follows its source (a subPath does not).
    """
    files: dict[str, str] = {}
    for mount in container.get("volumeMounts") or ():
        base, only = mount["mountPath"].rstrip("/"), mount.get("subPath", "")
        if only and live:
            continue
        content = volumes.get(mount["name"], {})
        if only:
            files |= {base: str(content[only])} if only in content else {}
        else:
            files |= {f"{base}/{path}": str(text) for path, text in content.items()}
    return files


def _files(volume: Mapping[str, Any], sources: Sources) -> Files:
    try:
        if "configMap" in volume:
            return _config_map(volume["configMap"], sources)
        if "secret" in volume:
            return _secret(volume["secret"], sources, volume["secret"].get("secretName", ""))
        if "downwardAPI" in volume:
            return _downward(volume["downwardAPI"], sources)
        if "projected" in volume:
            return _projected(volume["projected"], sources)
    except ConfigError as error:
        raise MountError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}'
                         ) from error
    return {}


def _projected(projected: Mapping[str, Any], sources: Sources) -> Files:
    files: Files = {}
    for source in projected.get("sources") or ():
        if "configMap" in source:
            files |= _config_map(source["configMap"], sources)
        elif "secret" in source:
            files |= _secret(source["secret"], sources, source["secret"].get("name", ""))
        elif "downwardAPI" in source:
            files |= _downward(source["downwardAPI"], sources)
        elif "serviceAccountToken" in source:
            token = source["serviceAccountToken"]
            files[token["path"]] = sources.tokens[wanted(token)].token
    return files


def _config_map(source: Mapping[str, Any], sources: Sources) -> Files:
    found = sources.config_map(source["name"])
    data = (found or {}).get("data") or {}
    return _selected(source, data, found is not None, f'configmap "{source["name"]}" not found')


def _secret(source: Mapping[str, Any], sources: Sources, name: str) -> Files:
    found = sources.secret(name)
    data = decode_secret(found) if found else {}
    return _selected(source, data, found is not None, f'secret "{name}" not found')


def _downward(source: Mapping[str, Any], sources: Sources) -> Files:
    return {item["path"]: field_value(sources.pod, item["fieldRef"]["fieldPath"], sources.pod_ips,
                                      sources.host_ips)
            for item in source.get("items") or () if "fieldRef" in item}


def _selected(source: Mapping[str, Any], data: Mapping[str, str], exists: bool,
              missing: str) -> Files:
    """All keys as files, or the `items` under their paths."""
    optional = bool(source.get("optional"))
    if not exists and not optional:
        raise ConfigError(missing)
    items = source.get("items")
    if not items:
        return dict(data)
    absent = [item["key"] for item in items if item["key"] not in data]
    if absent and not optional:
        raise ConfigError(f"references non-existent config key: {absent[0]}")
    return {item["path"]: data[item["key"]] for item in items if item["key"] in data}
