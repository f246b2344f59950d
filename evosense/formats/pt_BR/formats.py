"""Dates in figures: Django's long forms write the month with a capital."""

DATE_FORMAT = "d/m/Y"
DATETIME_FORMAT = "d/m/Y H:i"
