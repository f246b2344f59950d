"""Webhooks to a company's own systems: what is offered, to whom, and how it gets there.

An event of the outbox becomes one row for each endpoint that asked for its type; workers claim
rows, ask the endpoint outside transactions, and settle. At least once: an endpoint recognises a
repetition by its `webhook-id`.
"""
