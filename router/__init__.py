"""The router: RabbitMQ's exchanges for Kafka. ARCHITECTURE.md follows one record through the folders."""

__version__ = "0.1.0"
