"""The formats of `mathmill shards export`, one to a module, and what they have in common (`rows`, `texts`, `parts`)."""
