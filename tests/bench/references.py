"""What the agent is measured against: the disk's fdatasync, and redis that syncs each write."""

import csv
import json
import os
import subprocess

from over_http import wait_until
from support import BIN, Process, run


def fdatasync_rate(folder, seconds):
    """4 KiB overwrites with fdatasync a second, in a preallocated file."""
    return json.loads(run(f"{BIN}/fsync_probe", "--dir", folder, "--ms", str(int(seconds * 1000)),
                          "--json"))["per_second"]


class Redis:
    """A redis server of our own on a Unix socket, appendfsync=always, gone with the block."""

    def __init__(self, folder):
        self.folder = f"{folder}/redis"
        os.makedirs(self.folder)
        self.socket = f"{self.folder}/s"
        self.rates = {}

    def __enter__(self):
        # redis-tools has the server's program under this name; it becomes the server by argv[0].
        self.server = Process(
            ["bash", "-c", 'exec -a redis-server /usr/bin/redis-check-rdb "$@"', "bash", "--port", "0",
             "--unixsocket", self.socket, "--dir", self.folder, "--appendonly", "yes",
             "--appendfsync", "always", "--save", "", "--daemonize", "no"], f"{self.folder}.log")
        wait_until(lambda: subprocess.run(["redis-cli", "-s", self.socket, "ping"], capture_output=True,
                                          check=False).stdout == b"PONG\n", "redis answers")
        return self

    def __exit__(self, *_):
        self.server.kill()

    def incrby(self, connections, seconds):
        """rate (a second), p50 and p99 (us) of INCRBY in a closed loop for about so many seconds."""
        count = int(self.rates.get(connections, 3_000 * connections ** 0.7) * seconds)
        rows = list(csv.DictReader(run(
            "redis-benchmark", "-s", self.socket, "-c", str(connections), "-n", str(count), "--csv",
            "incrby", "counter", "1").splitlines()))
        rate = self.rates[connections] = float(rows[0]["rps"])
        return {"rate": rate, "p50": float(rows[0]["p50_latency_ms"]) * 1000,
                "p99": float(rows[0]["p99_latency_ms"]) * 1000}
