"""Random draws that depend on a problem alone, so that no order of work and no restart changes them."""

import hashlib
import random


def draw_for(problem_id: str, seed: int) -> random.Random:
    """A generator of random numbers for one problem."""
    digest = hashlib.blake2b(f"{seed} {problem_id}".encode(), digest_size=8).digest()
    return random.Random(int.from_bytes(digest))
