"""One company in one file: export, import, comparison. The format: docs/tenant-archive.md."""
