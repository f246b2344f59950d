"""Steps that keep an installation ready besides its migrations, such as partitions made ahead.

Apps register theirs in `AppConfig.ready`, and `manage.py setup` runs them at every start. A step
must be safe to repeat; what is needed more often than that has a periodic task too.
"""

from collections.abc import Callable

from evosense.core.schema import public_scope

_steps: dict[str, Callable[[], object]] = {}


def register_setup_step(name: str, act: Callable[[], object]) -> None:
    """Have `setup` run `act` in the shared schema."""
    _steps[name] = act


def run_setup_steps() -> list[str]:
    """Run every step in the order of registration; returns their names."""
    for act in _steps.values():
        with public_scope():
            act()
    return list(_steps)
