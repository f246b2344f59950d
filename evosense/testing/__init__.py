"""What every app's tests use: databases, tenants, threads. Never imported outside tests."""
