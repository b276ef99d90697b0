"""Request bodies in application/vnd.kubernetes.protobuf, decoded by table into JSON values."""
