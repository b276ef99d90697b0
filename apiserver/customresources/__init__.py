"""Custom resources: CustomResourceDefinitions become served kinds. Models apiextensions-apiserver.

`definitions.Definitions(registry)` is the whole of it: it keeps the catalog in step with the
stored CRDs. The rest are parts: types (`structural`), defaults, validation, CEL rules, columns,
conversion.
"""
