"""`python -m analytics.providers.fake --port 9200 --mode ok`: the fake provider as a process."""

import argparse
import sys

from analytics.providers.fake import MODES, FakeProvider


def main() -> None:
    """Serve until interrupted; the address is the first line on standard output."""
    parser = argparse.ArgumentParser(description="A fake OpenAI-compatible server.")
    parser.add_argument("--port", type=int, default=9200)
    parser.add_argument("--mode", choices=sorted(MODES), default="ok")
    parser.add_argument("--key", default="", help="refuse every other key")
    given = parser.parse_args()
    fake = FakeProvider(given.mode, port=given.port, key=given.key)
    sys.stdout.write(f"{fake.base_url}\n")
    sys.stdout.flush()
    try:
        fake.serve()
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
