"""Where pointers live: the registry contract, its calls, and the adapters that reach it. Only ``memsync.chain.ape`` imports ape."""
