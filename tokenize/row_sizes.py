"""What each row of shards counts: its tokens without padding, or its supervised tokens, read without anything else.

A mixture is planned by these two columns alone. Arrow reads only the byte ranges of the column that is asked for, on
object stores too: 168 kB of a file of 24 MB whose 41,000 rows have 10 segments each. In memory is a record batch of one
column, beside the result of 4 bytes a row.
"""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, pairwise
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mathmill.core.errors import DataError
from mathmill.core.storage import Folder
from mathmill.tokenize.manifest import Manifest
from mathmill.tokenize.segments import ROW_FIELDS

Count: TypeAlias = Literal["tokens", "supervised_tokens"]

COLUMN: Mapping[Count, str] = {"tokens": "n_tokens", "supervised_tokens": "n_supervised"}

_CONNECTIONS = 8  # files of an object store that are read at the same time


def group_sizes(
    folder: Folder, manifest: Manifest, count: Count = "tokens", groups: Collection[str] | None = None
) -> dict[str, npt.NDArray[np.int32]]:
    """What each row of mix groups (all, or those named) counts: int32 (n_rows,), in the manifest's order of shards.

    folder: where the manifest lies, local or remote. DataError where a file is broken or is not what the manifest says.
    """
    sizes = {}
    with ThreadPoolExecutor(1 if folder.is_local else _CONNECTIONS) as pool:
        for name, group in manifest.groups.items():
            if groups is not None and name not in groups:
                continue
            ends = [0, *accumulate(shard.rows for shard in group.shards)]
            sizes[name] = np.empty(ends[-1], np.int32)
            reading = [
                pool.submit(read_sizes, folder, f"{shard.name}.arrow", sizes[name][start:end], manifest.seq_len, count)
                for shard, (start, end) in zip(group.shards, pairwise(ends), strict=True)
            ]
            for part in reading:
                part.result()
    return sizes


def read_sizes(folder: Folder, name: str, out: npt.NDArray[np.int32], seq_len: int, count: Count = "tokens") -> None:
    """Read what the rows of one shard's .arrow file count into `out`, int32 (n_rows,); DataError as above."""
    column = COLUMN[count]
    number = [field.name for field in ROW_FIELDS].index(column)
    where = folder.path(name)
    done = 0
    try:
        with folder.open(name) as source:
            reader = pa.ipc.open_file(source, options=pa.ipc.IpcReadOptions(included_fields=[number]))
            for batch in map(reader.get_batch, range(reader.num_record_batches)):
                values = batch.column(column)
                if values.null_count or values.type != pa.int32() or done + len(values) > len(out):
                    raise DataError(f"{where}: its rows are not the {len(out):,} that the manifest says")
                out[done : done + len(values)] = values.to_numpy()
                done += len(values)
    except FileNotFoundError:
        raise DataError(f"{where}: is missing") from None
    except (pa.ArrowException, OSError, KeyError) as error:
        raise DataError(f"{where}: not a readable Arrow file ({error})") from error
    if done != len(out):
        raise DataError(f"{where}: its rows are not the {len(out):,} that the manifest says, but {done:,}")
    if done and not 0 <= int(out.min()) <= int(out.max()) <= seq_len:
        raise DataError(f"{where}: a row counts fewer than 0 or more than {seq_len:,} tokens")
