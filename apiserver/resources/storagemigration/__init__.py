"""Kinds of this API group, one a file."""
