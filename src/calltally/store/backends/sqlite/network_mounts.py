"""Network file systems, on which SQLite's locks and shared memory do not work between machines."""

import re
from pathlib import Path
from typing import Final

_MOUNTS: Final = Path("/proc/self/mountinfo")
_NETWORK_TYPES: Final = re.compile(
    r"9p|afs|beegfs\w*|ceph|cifs|coda|fuse\.(?:ceph|glusterfs|rclone|s3fs|sshfs)|gfs2?|glusterfs|lustre|nfs\d?"
    r"|ocfs2|orangefs|smb\d|smbfs"
)
# proc(5) writes spaces and line breaks of a path in octal.
_OCTAL: Final = re.compile(r"\\([0-7]{3})")


def network_file_system(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """Return the type of the network file system that a file is on; None if it is local or not known."""
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        # Only Linux lists its mounts in this file.
        return None
    found, types = path.resolve(), {}
    for line in lines:
        fields, _, kind = line.partition(" - ")
        point = _OCTAL.sub(lambda code: chr(int(code[1], 8)), fields.split(" ")[4])
        # Of several at one point, the last covers the others.
        types[Path(point)] = kind.split(" ")[0]
    for folder in (found, *found.parents):
        if folder in types:
            return types[folder] if _NETWORK_TYPES.fullmatch(types[folder]) else None
    return None
