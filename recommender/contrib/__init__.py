"""What belongs to one web framework or content system each; nothing else here imports it."""
