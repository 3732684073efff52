"""Moving between RabbitMQ and the router: definitions files become route files that decide the same, and back. Pure."""
