"""File systems of databases: those of a network are recognised by the list of mounts."""

from pathlib import Path

import pytest

from calltally.store.backends.sqlite.network_mounts import network_file_system

MOUNTS = """\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 21 0:44 / /srv/shared rw,relatime - nfs4 files.example:/export rw,vers=4.2
41 21 0:45 / /srv/with\\040space rw - cifs //files.example/share rw
42 40 8:2 / /srv/shared/local rw - xfs /dev/sdb1 rw
43 21 0:46 / /srv/twice rw - ext4 /dev/sdc1 rw
44 43 0:47 / /srv/twice rw - fuse.sshfs files.example: rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/calltally.db", None),
        ("/srv/shared/calltally.db", "nfs4"),
        ("/srv/shared-not/calltally.db", None),
        ("/srv/shared/local/calltally.db", None),
        ("/srv/with space/calltally.db", "cifs"),
        ("/srv/twice/calltally.db", "fuse.sshfs"),
    ],
)
def test_type_of_a_network_file_system(tmp_path: Path, path: str, kind: str | None) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert network_file_system(Path(path), mounts) == kind


def test_a_system_without_a_list_of_mounts_has_no_known_network(tmp_path: Path) -> None:
    assert network_file_system(tmp_path / "calltally.db", tmp_path / "none") is None


def test_own_folder_has_a_mount(tmp_path: Path) -> None:
    network_file_system(tmp_path)
