"""A small tenant schema for tests of the fleet: 300 of these are made within seconds."""
