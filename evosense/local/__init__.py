"""The embedded stack: PostgreSQL, Redis and every process of the house on one machine.

For development, demonstration and tests. Production never imports this package.
"""
