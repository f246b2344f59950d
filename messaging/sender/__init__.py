"""The sender: takes what waits in each connection's lane to its server, one thing at a time."""
