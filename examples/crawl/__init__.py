"""Generators of the example crawl: one module per page family, standard library only."""
