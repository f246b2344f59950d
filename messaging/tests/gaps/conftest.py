from messaging.tests.health.conftest import sim

__all__ = ["sim"]
