"""An Evolution-compatible server to develop, demonstrate, test and load against.

Nothing in this package imports Django, so it runs alone and in its own memory.
"""
