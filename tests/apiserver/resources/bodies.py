"""The smallest right object of every kind that can be created."""

from __future__ import annotations

from typing import Any, Final

POD_SPEC: Final = {"containers": [{"name": "c", "image": "i:1"}]}
TEMPLATE: Final = {"metadata": {"labels": {"app": "a"}}, "spec": POD_SPEC}
SELECTING: Final = {"selector": {"matchLabels": {"app": "a"}}, "template": TEMPLATE}
ENDING: Final = {"template": {"spec": POD_SPEC | {"restartPolicy": "Never"}}}
TARGET: Final = {"maxReplicas": 2, "scaleTargetRef": {
    "apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}}
MATCH: Final = {"resourceRules": [{"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"],
                                   "resources": ["*"]}]}
HOOK: Final = {"name": "a.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
               "clientConfig": {"url": "https://example.com"}}
REQUEST: Final = (
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlISk1IRUNBUUF3RHpFTk1Bc0dBMVVFQXd3RWFtRn"
    "VaVEJaTUJNR0J5cUdTTTQ5QWdFR0NDcUdTTTQ5QXdFSApBMElBQkQybm93U2gwek50dXJJTnFWNHhSUmhXUGRNUnlH"
    "UnM5UGRsNkpGZGl3d0RhVHlmVi80UkVSeWZYa3oxCm5hRTJtb0JXWWVEMDgzSVNCcGJKeXV1VlZ5Q2dBREFLQmdncW"
    "hrak9QUVFEQWdOSUFEQkZBaUJML3ozOUpGankKNzUwcG9QM3JOS2I5dFBhb0ROb2hMSW13ck1NeU5DK1FmZ0loQUp4"
    "U21WeStwMzZTVUhZV0h5aFFScFFiRU9EdAp2SzNFclZBR1BsWktab2p5Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUV"
    "VFU1QtLS0tLQo=")
STUB: Final = (
    "MH8wMwIBADAAMCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbigADAFBgMrZXADQQ"
    "D+T6LD/tC3dgs1QpDKx4kUxYQE7xZe9aBnQUcZw2xzeoWgFx/pD/xHAMYHE4CCTNhwz2GdgvzsSlQWl8KwMroI")
"""An empty certificate request (PKCS#10, DER), signed by an Ed25519 key."""
AUTHORITY: Final = (
    "-----BEGIN CERTIFICATE-----\nMIHbMIGOoAMCAQICAQEwBQYDK2VwMA0xCzAJBgNVBAMMAmNhMB4XDTIwMD"
    "EwMTAw\nMDAwMFoXDTQwMDEwMTAwMDAwMFowDTELMAkGA1UEAwwCY2EwKjAFBgMrZXADIQAD\noQe/884Qvh1w3R"
    "jnS8CZZ+TWMJulDV8d3IZkElUxuKMTMBEwDwYDVR0TAQH/BAUw\nAwEB/zAFBgMrZXADQQD8f5feMK6u7gz1I+p"
    "Bw5D3JPcxJZKV++1MFPjJPZyeBoT6\n3j+8MegvVH9kmIpIF5FCNZGKDAozsuSeRU5eFTwL\n-----END CERTIF"
    "ICATE-----\n")
"""A certificate of an authority, PEM."""
ROLE: Final = {"kind": "ClusterRole", "name": "r"}

BODIES: Final[dict[str, dict[str, Any]]] = {
    "configmaps": {"data": {"a": "b"}},
    "endpoints": {"subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}]},
    "events": {"involvedObject": {"namespace": "default", "name": "p"}},
    "limitranges": {"spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}},
    "namespaces": {},
    "nodes": {"spec": {"podCIDR": "10.244.0.0/24", "podCIDRs": ["10.244.0.0/24"]}},
    "persistentvolumeclaims": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {
        "requests": {"storage": "1Gi"}}}},
    "persistentvolumes": {"spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1"},
                                   "hostPath": {"path": "/x"}}},
    "pods": {"spec": POD_SPEC},
    "podtemplates": {"template": TEMPLATE},
    "replicationcontrollers": {"spec": {"template": TEMPLATE}},
    "resourcequotas": {"spec": {"hard": {"pods": "2"}}},
    "secrets": {"stringData": {"a": "b"}},
    "serviceaccounts": {},
    "services": {"spec": {"type": "ExternalName", "externalName": "a.b"}},
    "apiservices": {"metadata": {"name": "v1.x.io"}, "spec": {
        "group": "x.io", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1,
        "service": {"name": "s", "namespace": "default"}}},
    "controllerrevisions": {"data": {"a": 1}, "revision": 1},
    "daemonsets": {"spec": SELECTING},
    "deployments": {"spec": SELECTING},
    "replicasets": {"spec": SELECTING},
    "statefulsets": {"spec": SELECTING},
    "horizontalpodautoscalers": {"spec": TARGET},
    "cronjobs": {"spec": {"schedule": "@daily", "jobTemplate": {"spec": ENDING}}},
    "jobs": {"spec": ENDING},
    "certificatesigningrequests": {"spec": {"request": REQUEST, "usages": ["client auth"],
                                            "signerName": "x.io/s"}},
    "clustertrustbundles": {"spec": {"trustBundle": AUTHORITY}},
    "podcertificaterequests": {"spec": {
        "signerName": "x.io/s", "podName": "p", "podUID": "u", "serviceAccountName": "s",
        "serviceAccountUID": "v", "nodeName": "n", "nodeUID": "w", "stubPKCS10Request": STUB}},
    "ingressclasses": {"spec": {"controller": "x.io/c"}},
    "ingresses": {"spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}},
    "ipaddresses": {"metadata": {"name": "10.0.0.1"}, "spec": {"parentRef": {
        "resource": "services", "name": "s", "namespace": "default"}}},
    "networkpolicies": {"spec": {"podSelector": {}}},
    "servicecidrs": {"spec": {"cidrs": ["10.0.0.0/16"]}},
    "poddisruptionbudgets": {"spec": {"minAvailable": 1}},
    "clusterrolebindings": {"roleRef": ROLE},
    "clusterroles": {"rules": []},
    "rolebindings": {"roleRef": ROLE},
    "roles": {"rules": []},
    "csidrivers": {"spec": {}},
    "csinodes": {"spec": {"drivers": []}},
    "csistoragecapacities": {"storageClassName": "s"},
    "storageclasses": {"provisioner": "x.io/p"},
    "volumeattachments": {"spec": {"attacher": "x.io", "nodeName": "n",
                                   "source": {"persistentVolumeName": "v"}}},
    "volumeattributesclasses": {"driverName": "x.io/p", "parameters": {"a": "b"}},
    "mutatingadmissionpolicies": {"spec": {
        "matchConstraints": MATCH, "reinvocationPolicy": "Never",
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": "[]"}}]}},
    "mutatingadmissionpolicybindings": {"spec": {"policyName": "p"}},
    "mutatingwebhookconfigurations": {"webhooks": [HOOK]},
    "validatingadmissionpolicies": {"spec": {"matchConstraints": MATCH,
                                             "validations": [{"expression": "true"}]}},
    "validatingadmissionpolicybindings": {"spec": {"policyName": "p",
                                                   "validationActions": ["Deny"]}},
    "validatingwebhookconfigurations": {"webhooks": [HOOK]},
    "customresourcedefinitions": {"metadata": {"name": "as.x.io"}, "spec": {
        "group": "x.io", "scope": "Cluster", "names": {"plural": "as", "kind": "A"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {
            "openAPIV3Schema": {"type": "object"}}}]}},
    "priorityclasses": {"value": 1},
    "leases": {"spec": {}},
    "runtimeclasses": {"handler": "h"},
    "endpointslices": {"addressType": "IPv4", "endpoints": []},
    "deviceclasses": {"spec": {}},
    "devicetaintrules": {"spec": {"taint": {"key": "a", "effect": "NoSchedule"}}},
    "resourceclaims": {"spec": {"devices": {"requests": [
        {"name": "r", "exactly": {"deviceClassName": "c"}}]}}},
    "resourceclaimtemplates": {"spec": {"spec": {}}},
    "resourceslices": {"spec": {"driver": "x.io", "nodeName": "n", "pool": {
        "name": "p", "generation": 1, "resourceSliceCount": 1}}},
    "storageversionmigrations": {"spec": {"resource": {"group": "apps",
                                                       "resource": "deployments"}}},
    "flowschemas": {"spec": {"priorityLevelConfiguration": {"name": "p"}}},
    "prioritylevelconfigurations": {"spec": {"type": "Limited", "limited": {
        "limitResponse": {"type": "Reject"}}}},
}
NEW_EVENT: Final[dict[str, Any]] = {
    "regarding": {"namespace": "default"}, "type": "Normal", "action": "a", "reason": "r",
    "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "x.io/c",
    "reportingInstance": "i"}
