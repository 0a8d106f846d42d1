"""Folders that appear whole or not at all, also after a power cut: write beside, sync, rename, sync the parent."""

import os
import shutil
from pathlib import Path


def publish_folder(partial: Path, folder: Path) -> None:
    """Give a finished folder its name; one that has it already is replaced."""
    sync(partial, *partial.iterdir())
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    sync(folder.parent)


def point_link(link: Path, target: str) -> None:
    """Let a symbolic link name another target, in one step."""
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    os.replace(new, link)
    sync(link.parent)


def write_file(path: Path, content: str) -> None:
    """Replace a text file in one step."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(content, "utf-8")
    sync(new)
    os.replace(new, path)


def sync(*paths: Path) -> None:
    """Have the disk write what files or folders hold."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
