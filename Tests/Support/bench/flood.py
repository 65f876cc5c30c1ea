"""flood.py PORT KEY: 200 half-open connections to 127.0.0.1, of which those that were sent away come again, fifty a
second, and a client that tries a key which may not log in. Prints a line when it got in. Its own work has the lowest
priority: it would be done on the attackers' machines."""

import os
import select
import socket
import subprocess
import sys
import threading
import time

port, key = int(sys.argv[1]), sys.argv[2]
os.nice(19)


def guess():
    command = ["ssh", "-F", "none", "-i", key, "-b", "127.0.0.1", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]
    command += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-p", str(port)]
    while True:
        client = subprocess.run(
            [*command, "root@127.0.0.1", "status"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, check=False)
        # A server that refuses it at the door would have it go round faster than any attacker.
        time.sleep(0.02)
        if client.returncode != 255:
            print("in", flush=True)


def connect():
    client = socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.1", 0))
    client.setblocking(False)
    return client


def is_there(client):
    try:
        return client.recv(4096) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


threading.Thread(target=guess, daemon=True).start()
held, came = [], 0
while True:
    while len(held) < 200:
        try:
            held.append(connect())
        except OSError:
            pass
        came += 1
        if came > 200:
            time.sleep(0.02)
    poll = select.poll()
    for client in held:
        poll.register(client, select.POLLIN)
    ready = {number for number, _ in poll.poll(20)}
    held = [client for client in held if client.fileno() not in ready or is_there(client)]
