"""Steps that keep an installation ready besides its migrations, such as partitions made ahead.

Apps register theirs in `AppConfig.ready`; `manage.py setup` runs them, and beat repeats them every
day. A step must be safe to repeat.
"""

from collections.abc import Callable

from evosense.core.schema import public_scope

_steps: dict[str, Callable[[], object]] = {}


def register_setup_step(name: str, act: Callable[[], object]) -> None:
    """Have `act` run in the shared schema by `setup` and once a day."""
    _steps[name] = act


def run_setup_steps() -> list[str]:
    """Run every step in the order of registration; returns their names."""
    for act in _steps.values():
        with public_scope():
            act()
    return list(_steps)
