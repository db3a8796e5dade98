"""A real sshd of a flow's own on this machine: its own port, keys and home, as tests/support/ssh_server."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from window import descendants, skip

SSHD = "/usr/sbin/sshd"


class SshServer:
    """While it runs, `ssh NAME` leads to it for a program with .environment: another ssh stands first in PATH. What
    `beside` leads to is reached by that ssh too."""

    def __init__(self, worker, name="gpu", beside=None):
        if not os.path.exists(SSHD) or not shutil.which("ssh-keygen"):
            skip("there is no sshd or no ssh-keygen (openssh-server, openssh-client)")
        self.folder = tempfile.TemporaryDirectory(prefix="moescope-ssh-")
        here = Path(self.folder.name)
        (here / "client").mkdir()
        (here / "home/bin").mkdir(parents=True)
        (here / "home/bin/moescope-worker").symlink_to(Path(worker).resolve())
        for key in ("host_key", "client/key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", here / key], check=True)
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        shutil.copy(here / "client/key.pub", here / "authorized_keys")
        self.script(here / "login", f"export HOME='{here}/home' PATH='{here}/home/bin:/usr/bin:/bin' "
                    f"LD_LIBRARY_PATH='{os.environ.get('LD_LIBRARY_PATH', '')}' MOESCOPE_CACHE_DIR='{here}/home/cache'\n"
                    'unset XDG_DATA_HOME MOESCOPE_WORKER\ncd "$HOME"\nexec /bin/sh -c "$SSH_ORIGINAL_COMMAND"')
        (here / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {here}/host_key\n"
            f"AuthorizedKeysFile {here}/authorized_keys\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
            f"PermitRootLogin prohibit-password\nPidFile none\nForceCommand {here}/login\n")
        (here / "config").write_text(
            f"Host {name}\n HostName 127.0.0.1\n Port {self.port}\n User {getpass.getuser()}\n IdentityFile {here}/client/key\n"
            f" IdentitiesOnly yes\n IdentityAgent none\n UserKnownHostsFile {here}/client/known_hosts\n"
            " GlobalKnownHostsFile none\n StrictHostKeyChecking yes\n"
            + (Path(beside.folder.name, "config").read_text() if beside else ""))
        (here / "client/known_hosts").write_text(f"[127.0.0.1]:{self.port} " + (here / "host_key.pub").read_text())
        self.script(here / "client/ssh", f"exec {shutil.which('ssh')} -F '{here}/config' \"$@\"")
        self.environment = {"PATH": f"{here}/client:{os.environ['PATH']}"}
        self.server = None
        self.start()

    @staticmethod
    def script(path, text):
        path.write_text("#!/bin/sh\n" + text + "\n")
        path.chmod(0o700)

    def start(self):
        self.server = subprocess.Popen([SSHD, "-D", "-e", "-f", f"{self.folder.name}/sshd_config"],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(100):
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.server.poll() is not None:
                skip("sshd does not start: " + self.server.stderr.read().decode())
            time.sleep(0.05)

    def stop(self):
        """Ends every connection without a word, and refuses new ones."""
        for process in descendants(self.server.pid):
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.server.terminate()
        self.server.wait()

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.stop()
        self.folder.cleanup()
