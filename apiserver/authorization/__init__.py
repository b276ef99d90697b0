"""What users may do: RBAC. Models apiserver/pkg/authorization and its plugin rbac."""
