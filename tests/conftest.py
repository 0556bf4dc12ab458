"""Fixtures for every test: databases on both backends."""

pytest_plugins = ["oxbow.testing.databases"]
