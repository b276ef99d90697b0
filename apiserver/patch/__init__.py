"""Patches as pure functions on JSON values and schema types: json, merge, strategic, apply."""
