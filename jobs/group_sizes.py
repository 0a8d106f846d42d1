"""How many tokens of each mix group lie in each token store file: what packing is planned by.

Only label columns and list offsets are read (a few bytes per record), here in the driver.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from mathmill.core.ledger import FileEntry
from mathmill.core.storage import Folder
from mathmill.tokenize.select import Selector, assign_groups


def group_tokens(run: Folder, files: Sequence[FileEntry], groups: Mapping[str, str]) -> np.ndarray:
    """Count tokens: int64 (n_files, n_groups + 1); the last column counts what no group selects."""
    selectors = [Selector.parse(text) for text in groups.values()]
    sizes = np.zeros((len(files), len(selectors) + 1), np.int64)
    for row, file in zip(sizes, files, strict=True):
        with run.open(file.name) as source:
            reader = pa.ipc.open_file(source)
            for number in range(reader.num_record_batches):
                batch = reader.get_batch(number)
                lengths = np.diff(batch.column("tokens").offsets.to_numpy())
                row += np.bincount(
                    assign_groups(batch, selectors) % len(row), weights=lengths, minlength=len(row)
                ).astype(np.int64)
    return sizes
