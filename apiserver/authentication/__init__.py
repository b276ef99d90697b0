"""Who asks: certificates, tokens of a table, tokens of service accounts, and impersonation.

Models apiserver/pkg/authentication and pkg/serviceaccount. Import-free, so that a cluster in a test
does not load what only certificates need.
"""
