"""Sandbox twins of every port: they act on a small world of their own, kept apart from the portal's database."""
