"""The rules of the door to foreign servers; `evosense.core.http` is the door itself."""
