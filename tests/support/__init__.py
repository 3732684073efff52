"""What tests on a real Kafka share: a worker as a process, topics and their contents, books that must balance."""
