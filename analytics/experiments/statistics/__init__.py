"""Formulas of the comparison, numpy only: no database, no words. Sources: reference/ai.md §3.4."""
