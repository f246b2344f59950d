"""The way out to models: providers, their keys, prices and what they can do."""
