"""A model provider that is not there: an OpenAI-compatible server that behaves as it is told.

For tests, the demonstration and benchmarks; imports no Django. `python -m analytics.providers.fake
--port 9200 --mode ok` starts it as a process; `/m/<mode>/v1` below its address is that server in
another mode.
"""

from analytics.providers.fake.modes import MODES
from analytics.providers.fake.server import FakeProvider, Seen

__all__ = ["MODES", "FakeProvider", "Seen"]
