"""Shared fixtures. The test settings have started PostgreSQL and Redis before this is read."""

pytest_plugins = ["evosense.testing.fixtures", "evosense.testing.browser", "evosense.testing.order"]
