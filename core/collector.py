"""Python's garbage collector in processes that stream batches: they make many objects and hardly any cycles.

With the thresholds that Python has by default, looking for cycles takes 9 % of the time of HTML extraction.
"""

import gc


def relax_collector() -> None:
    """Look for cycles less often, and never among what is there now: modules, models, tables."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
