"""A real ssh connection: an sshd on loopback with keys of its own, and two workers behind it."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from stored_runs import assert_same_run, stored

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = """
Port {port}
ListenAddress 127.0.0.1
HostKey {keys}/host
AuthorizedKeysFile {keys}/user.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PermitUserEnvironment no
"""

CLIENT = """
Host loopback
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {keys}/user
  IdentitiesOnly yes
  BatchMode yes
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """
    A host behind ssh.

    Attributes:
        config: File for `ssh -F`, which knows the host as "loopback".
    """

    config: Path

    def spec(self, project: pytest.Pytester, workers: int) -> str:
        """Write what `--tx` takes: workers in the project's directory, with this interpreter and these modules."""
        # What execnet itself sets in the environment comes too late for an interpreter's path.
        path = ":".join(each for each in sys.path if each)
        python = f"env PYTHONPATH={path} {sys.executable}"
        return "//".join(
            (f"{workers}*ssh=loopback", f"ssh_config={self.config}", f"python={python}", f"chdir={project.path}")
        )


def program(name: str) -> str:
    """Find a program of OpenSSH; skip the test if there is none."""
    # sshd insists on being called by its full path, and is not on every user's.
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed; on Debian run: apt-get install openssh-server openssh-client")
    return found


def free_port() -> int:
    """Find a port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    """Run an sshd of its own; whoever may not log in through it skips."""
    sshd, ssh, keygen = program("sshd"), program("ssh"), program("ssh-keygen")
    keys, port = tmp_path_factory.mktemp("keys"), free_port()
    for name in ("host", "user"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(keys / name)], check=True)
    server, client = keys / "sshd_config", keys / "ssh_config"
    server.write_text(SERVER.format(port=port, keys=keys))
    client.write_text(CLIENT.format(port=port, keys=keys, user=getpass.getuser()))
    # The directory of the unprivileged half, which a start as a service would make.
    if Path("/run").is_dir() and getpass.getuser() == "root":
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    process = subprocess.Popen([sshd, "-D", "-e", "-f", str(server)], stderr=subprocess.PIPE, text=True)
    try:
        said = _until_it_listens(process)
        tried = subprocess.run(
            [ssh, "-F", str(client), "loopback", "true"], capture_output=True, text=True, check=False
        )
        if tried.returncode:
            pytest.skip(f"no login through sshd here: {tried.stderr.strip() or said}")
        yield Remote(config=client)
    finally:
        process.terminate()
        process.wait()
        if process.stderr:
            process.stderr.close()


def _until_it_listens(process: subprocess.Popen[str]) -> str:
    """Read what sshd says until it listens; skip the test if it ends before."""
    said = ""
    assert process.stderr is not None
    for line in process.stderr:
        said += line
        if "Server listening" in line:
            return said
    pytest.skip(f"sshd does not start here: {said.strip()}")


def test_run_over_ssh_is_the_run_of_one_process(project: pytest.Pytester, remote: Remote) -> None:
    """ONE saved run, equal to -n0 in every field that is not a time."""
    config = project.path / "pyproject.toml"
    # An argument that is a path would have to be below an rsync root; testpaths is none.
    config.write_text(config.read_text() + '\ntestpaths = ["test_shelf.py"]\n')
    arguments = ("--codeact-trials=3", "-p", "no:cacheprovider")
    project.runpytest_subprocess("--benchmark-json=plain.json", "-n0", *arguments).assert_outcomes(passed=12)
    result = project.runpytest_subprocess(
        f"--tx={remote.spec(project, 2)}",
        "--dist=load",
        "--max-worker-restart=2",
        "--benchmark-json=far.json",
        *arguments,
    )

    result.assert_outcomes(passed=12)
    assert_same_run(stored(project, "plain.json"), stored(project, "far.json"))
    assert stored(project, "far.json")["codeact"]["worker_count"] == 2
