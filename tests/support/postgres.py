"""A PostgreSQL of a test's own: a cluster in a temporary folder, on a Unix socket, without TCP.

As a program: postgres.py COMMAND... runs the command with METERBOX_TEST_DATABASE naming the cluster, and ends
the cluster whatever happens. Without Debian's server it says so and ends with 77, which CTest takes for skipped.
As root the server runs as the user postgres, because initdb refuses root.
"""

import glob
import os
import pwd
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
SERVERS = "/usr/lib/postgresql/*/bin/initdb"
# What is asked here is not whether PostgreSQL keeps what it has on a disk.
SETTINGS = ["fsync=off", "full_page_writes=off", "synchronous_commit=on", "listen_addresses=", "max_connections=50",
            "autovacuum_naptime=5s"]


def binaries():
    found = sorted(glob.glob(SERVERS))
    return os.path.dirname(found[-1]) if found else None


class Cluster:
    def __init__(self, primary=None):
        """Of its own; or a stand-by that follows another."""
        self.bin = binaries()
        if self.bin is None:
            raise FileNotFoundError("PostgreSQL's server isn't installed (Debian: postgresql)")
        self.folder = tempfile.mkdtemp(prefix="mbpg-")  # short: a Unix socket's path holds 107 bytes
        self.as_owner = []
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self.as_owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        os.chmod(self.folder, 0o755)
        self.data = os.path.join(self.folder, "data")
        try:
            if primary:
                self._run("pg_basebackup", "-h", primary.folder, "-U", "postgres", "-D", self.data, "-R", "-X", "stream",
                          "--checkpoint=fast", "--no-sync")
            else:
                self._run("initdb", "-D", self.data, "-E", "UTF8", "--locale=C", "-A", "trust", "-U", "postgres",
                          "--no-sync")
            self.start()
        except BaseException:
            self.remove()
            raise

    def _run(self, program, *arguments):
        done = subprocess.run([*self.as_owner, os.path.join(self.bin, program), *arguments], cwd=self.folder,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout}")
        return done.stdout

    def start(self):
        settings = " ".join("-c " + setting for setting in [*SETTINGS, "unix_socket_directories=" + self.folder])
        self._run("pg_ctl", "-D", self.data, "-w", "-o", settings, "-l", os.path.join(self.folder, "log"), "start")

    def stop(self, mode="fast"):
        self._run("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")

    def promote(self):
        self._run("pg_ctl", "-D", self.data, "-w", "promote")

    def url(self, database="postgres", standby=None):
        hosts = self.folder if standby is None else f"{self.folder},{standby.folder}"
        return f"postgresql:///{database}?host={hosts}&user=postgres"

    def sql(self, text, database="postgres"):
        return self._run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "postgres",
                         "-d", database, "-c", text).strip()

    def program(self, name, *arguments):
        """pg_dump, pg_restore and the like, connected to this cluster."""
        return self._run(name, "-h", self.folder, "-U", "postgres", *arguments)

    def remove(self):
        try:
            if os.path.exists(os.path.join(self.data, "postmaster.pid")):
                self.stop("immediate")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()


def main(command):
    if binaries() is None:
        print("skipped: PostgreSQL's server isn't installed (Debian: postgresql)")
        return SKIPPED
    with Cluster() as cluster:
        environment = {**os.environ, "METERBOX_TEST_DATABASE": cluster.url()}
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
