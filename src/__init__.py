"""From a multilingual encoder to a Turkish retrieval encoder, as a DVC pipeline. Start at docs/architecture.md."""
