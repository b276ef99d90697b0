"""HTTP verbs, one file each: from a request to the registry and back to bytes."""
