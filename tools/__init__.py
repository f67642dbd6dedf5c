"""What can be done: the bundled tools. They are handed to a worker by whoever composes it; none imports a worker."""
