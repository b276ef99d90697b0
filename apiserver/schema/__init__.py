"""What types look like on the wire: Kubernetes' OpenAPI definitions compiled into decoders.

Start at `schema.schema_for(version)`: `.struct(gvk)` gives the type that patches walk,
`.decode(...)` does to a body what Go's decoding into the typed object and encoding again would
do.
"""
