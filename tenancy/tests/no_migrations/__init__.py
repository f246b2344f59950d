"""Stands for the migrations of an app that the fleet tests leave out."""
