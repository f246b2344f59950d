"""Migrations of all tenant schemas at once.

survey   which schemas lack what, by one query for each hundred of them
plan     what each group of equal schemas needs, and whether it can be replayed
steps    one migration of one tenant, in its transaction, with its progress row
run      canary, workers, retries, stop and resume
check    structures compared with each other and with that of a new tenant
"""
