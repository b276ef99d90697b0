"""/openapi/v2 and /openapi/v3, made lazily from the definitions and the catalog, kept as bytes."""
