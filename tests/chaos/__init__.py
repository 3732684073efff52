"""Destruction on a real Kafka: plans of strikes, those who perform them, and the books that must balance afterwards."""
