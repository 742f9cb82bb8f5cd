"""The vault for AI tools, by the Model Context Protocol: how a client comes to know MemSync, and what it may then ask."""
