"""The rows that need no virtual machine: a rehearsal of the shipped agent, and Debian's servers, on 127.0.0.1."""

import base64
import contextlib
import glob
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

from rows import Row

QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
NO_LISTENER = "tinysshd does not listen: systemd's socket or an inetd starts it for each connection"
ONLY_SSH = "it opens no volume"
KEY_EXCHANGES = {"curve25519": "curve25519-sha256", "mlkem768": "mlkem768x25519-sha256"}
SIZES, CORES = (1, 4, 16, 64), (1, 2)
# Those of a key slot of cryptsetup on a machine with four cores and enough memory, and such as take some seconds.
CHEAP = "--pbkdf pbkdf2 --pbkdf-force-iterations 1000"
REAL = "--pbkdf argon2id --pbkdf-memory 524288 --pbkdf-parallel 4 --pbkdf-force-iterations 4"
ARGON2ID = "--pbkdf argon2id --pbkdf-parallel 2 --pbkdf-force-iterations 8 --pbkdf-memory"
PBKDF2 = "--pbkdf pbkdf2 --hash sha256 --pbkdf-force-iterations"
SMALL = "--luks2-metadata-size 16k --luks2-keyslots-size 768k"


def own(name, what, unit):
    """A row of what only Postern has."""
    row = Row(name, what, unit)
    row.missing = {who: "a part that only Postern has" for who in ("dropbear", "openssh", "tinyssh")}
    return row


def timed(command, **options):
    """How long a command takes that has to succeed."""
    begun = time.monotonic()
    end = subprocess.run(command, **QUIET | options, stderr=subprocess.PIPE, text=True, check=False, timeout=900)
    took = time.monotonic() - begun
    if end.returncode != 0:
        raise RuntimeError(f"{' '.join(command[-9:])}: exit status {end.returncode}: {end.stderr.strip()[-300:]}")
    return took


def family(process):
    """The process, and all that descend from it."""
    parents = {}
    for entry in glob.glob("/proc/[0-9]*/stat"):
        try:
            words = pathlib.Path(entry).read_text(errors="replace").rpartition(")")[2].split()
            parents.setdefault(int(words[1]), []).append(int(entry.split("/")[2]))
        except OSError:
            pass
    found = [process]
    for one in found:
        found += parents.get(one, [])
    return found


def is_there(client):
    """Whether the server has not ended the connection; reads what came."""
    try:
        while client.recv(4096):
            pass
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def memory(process, *names):
    """The sum of the fields, in bytes, of smaps_rollup or status."""
    file = f"/proc/{process}/" + ("smaps_rollup" if names == ("Pss",) else "status")
    try:
        text = pathlib.Path(file).read_text(errors="replace")
    except OSError:
        return 0
    return sum(int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M).group(1)) * 1024 for name in names)


class Server:
    """One SSH server, started anew for each measurement."""

    def __init__(self, who, port, command, does="true"):
        self.who, self.port, self.command, self.does = who, port, command, does

    def __enter__(self):
        self.log = open(f"{os.environ['BENCH_WORK']}/{self.who}.log", "w+", encoding="utf-8", errors="replace")
        begun = time.monotonic()
        self.process = subprocess.Popen(self.command, **QUIET, stderr=self.log)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() > begun + 30:
                    self.log.seek(0)
                    raise RuntimeError(f"{self.who} does not listen: {self.log.read()[-300:]}") from None
                time.sleep(0.0001)
        self.listened = time.monotonic() - begun
        return self

    def __exit__(self, *_):
        processes = family(self.process.pid)
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        # Dropbear's and sshd's sessions outlive their listener.
        for process in processes[1:]:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.log.close()

    def pss(self):
        return sum(memory(process, "Pss") for process in family(self.process.pid))


class Inetd(Server):
    """A server that is started for each connection."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=300)
        self.sessions = []
        self.listened = None
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.sessions.append(subprocess.Popen(self.command, stdin=client, stdout=client, stderr=subprocess.DEVNULL))
            client.close()
            self.sessions = [session for session in self.sessions if session.poll() is None]

    def __exit__(self, *_):
        # A thread that waits in accept is woken by no close.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for session in self.sessions:
            session.kill()
            session.wait()

    def pss(self):
        return sum(memory(one, "Pss") for session in self.sessions for one in family(session.pid))


class Loopback:
    def __init__(self, root, tree, work, quick):
        """`tree` is a Debian with the peers. The folder `work` has the same path in it."""
        self.work, self.quick = work, quick
        self.agent = f"{root}/.build-initrd/postern-initrd"
        self.inside = ["chroot", tree]
        home = f"{tree}/root/.ssh"
        os.makedirs(home, mode=0o700, exist_ok=True)
        os.makedirs(f"{tree}/run/sshd", mode=0o755, exist_ok=True)
        os.makedirs(f"{work}/keys", exist_ok=True)
        for key in ("host", "client", "stranger"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{work}/{key}"], check=True)
        subprocess.run(["install", "-m", "600", f"{work}/client.pub", f"{home}/authorized_keys"], check=True)
        pathlib.Path(f"{work}/keys/key").write_text("1234", encoding="utf-8")
        self.luks("root", CHEAP)
        timed([*self.inside, "dropbearkey", "-t", "ed25519", "-f", f"{work}/dropbear_key"])
        timed([*self.inside, "tinysshd-makekey", f"{work}/tinyssh_keys"])
        conf = self.configured("postern", 2201, ["root none"])
        sshd = [*self.inside, "/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-p", "2203", "-h", f"{work}/host"]
        sshd += ["-o", "ListenAddress=127.0.0.1", "-o", "PidFile=none", "-o", "UsePAM=no"]
        self.servers = [
            Server("postern", 2201, [self.agent, "agent", "--rehearse", "-f", conf], does="status"),
            Server("dropbear", 2202, [
                *self.inside, "dropbear", "-F", "-E", "-s", "-r", f"{work}/dropbear_key", "-p", "127.0.0.1:2202"]),
            Server("openssh", 2203, sshd),
            Inetd("tinyssh", 2204, [*self.inside, "tinysshd", f"{work}/tinyssh_keys"])]

    def luks(self, name, costs):
        image = f"{self.work}/{name}.img"
        with open(image, "wb") as file:
            file.truncate(4 << 20)
        timed([*self.inside, "cryptsetup", "luksFormat", "-q", "--type", "luks2", *SMALL.split(), *costs.split(), image,
               f"{self.work}/keys/key"])
        return image

    def configured(self, name, port, volumes, keys=""):
        """A postern.conf, and its crypttab; of a volume, the name and the key's field."""
        with open(f"{self.work}/{name}.tab", "w", encoding="utf-8") as file:
            for volume in volumes:
                image, key = volume.split()
                file.write(f"{image} {self.work}/{image}.img {key} luks\n")
        conf = f"{self.work}/{name}.conf"
        pathlib.Path(conf).write_text(
            f"Port {port}\nHostKey {self.work}/host\nAuthorizedKeysFile {self.work}/client.pub {keys}\n"
            f"Crypttab {self.work}/{name}.tab\n", encoding="utf-8")
        return conf

    def ssh(self, server, *options, key="client"):
        """Debian 13's client."""
        command = [*self.inside, "ssh", "-F", "none", "-i", f"{self.work}/{key}", "-p", str(server.port)]
        for option in ("IdentitiesOnly=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes",
                       "ConnectTimeout=60", *options):
            command += ["-o", option]
        return [*command, "root@127.0.0.1", server.does]

    def in_turn(self, runs, body):
        """Calls `body` with each server in turn, so that what else the machine does weighs on all alike."""
        for _ in range(runs):
            for server in self.servers:
                body(server)

    def listen(self):
        row = Row("listen", "exec to listening", "seconds", "dropbear")
        row.missing["tinyssh"] = NO_LISTENER

        def once(server):
            with server:
                if server.listened is not None:
                    row.add(server.who, server.listened)

        self.in_turn(3 if self.quick else 25, once)
        return [row]

    def login(self):
        rows = []
        for name, exchange in KEY_EXCHANGES.items():
            row = Row(f"login-{name}", f"ssh host status (peers: true), {exchange}", "seconds", "dropbear")
            rows.append(row)
            commands = {server.who: self.ssh(server, f"KexAlgorithms={exchange}") for server in self.servers}
            with contextlib.ExitStack() as running:
                for server in self.servers:
                    running.enter_context(server)
                    try:
                        timed(commands[server.who])
                    except RuntimeError as error:
                        if "no matching key exchange" not in str(error):
                            raise
                        row.missing[server.who] = f"it has no {exchange}"
                for _ in range(3 if self.quick else 25):
                    for who in commands.keys() - row.missing.keys():
                        row.add(who, timed(commands[who]))
        return rows

    def memory(self):
        idle = Row("memory-idle", "idle, memory of all its processes (PSS)", "bytes", "dropbear")
        session = Row("memory-session", "a session at its prompt or shell, in addition", "bytes", "dropbear")
        many = Row("memory-200", "under 200 connections from 200 addresses", "bytes", "dropbear")
        parts = {
            "monitor": own("resident-monitor", "the idle monitor, resident memory", "bytes"),
            "session": own("resident-session", "a session at its prompt, resident memory", "bytes"),
            "signer": own("resident-signer", "its signer, resident memory", "bytes"),
            "private": own("private-signer", "its signer, private memory", "bytes")}
        idle.missing["tinyssh"] = NO_LISTENER
        held = {}

        def resident(server):
            for process in family(server.process.pid):
                name = pathlib.Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ")
                if name.startswith(b"postern session"):
                    parts["session"].add("postern", memory(process, "VmRSS"))
                elif name.startswith(b"postern signer"):
                    parts["signer"].add("postern", memory(process, "VmRSS"))
                    parts["private"].add("postern", memory(process, "RssAnon"))

        def once(server):
            with server:
                time.sleep(1)
                before = server.pss()
                if server.listened is not None:
                    idle.add(server.who, before)
                if server.who == "postern":
                    parts["monitor"].add("postern", memory(server.process.pid, "VmRSS"))
                # This machine's own ssh: the peers would share the pages of Debian 13's libraries with that one.
                command = self.ssh(server)[len(self.inside):-1]
                client = subprocess.Popen(
                    [command[0], "-tt", *command[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL)
                if not os.read(client.stdout.fileno(), 1):
                    raise RuntimeError(f"no session of {server.who}")
                time.sleep(1)
                session.add(server.who, server.pss() - before)
                if server.who == "postern":
                    resident(server)
                client.kill()
                client.communicate()
                time.sleep(1)
                clients = []
                for number in range(1, 201):
                    clients.append(socket.socket())
                    clients[-1].bind((f"127.1.0.{number}", 0))
                    clients[-1].connect(("127.0.0.1", server.port))
                time.sleep(3)
                many.add(server.who, server.pss())
                there = 0
                for client in clients:
                    client.setblocking(False)
                    there += is_there(client)
                    client.close()
                held[server.who] = there

        self.in_turn(1 if self.quick else 3, once)
        many.notes.append("of the 200 it keeps: " + ", ".join(f"{who} {count}" for who, count in held.items()))
        return [idle, session, many, *parts.values()]

    def stranger(self):
        what = "CPU time of the monitor for a connection without a login, %d authorized keys"
        rows = {count: own(f"stranger-{count}-keys", what % count, "seconds") for count in (1, 1001)}
        with open(f"{self.work}/more", "w", encoding="utf-8") as file:
            for number in range(1000):
                key = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + os.urandom(32)).decode()
                file.write(f"ssh-ed25519 {key} key-{number}\n")
        confs = {count: self.configured(str(count), 2205, ["root none"], keys)
                 for count, keys in ((1, ""), (1001, f"{self.work}/more"))}
        times = 50 if self.quick else 300
        for _ in range(1 if self.quick else 5):
            for count, row in rows.items():
                with Server("postern", 2205, [self.agent, "agent", "--rehearse", "-f", confs[count]]) as server:
                    file = pathlib.Path(f"/proc/{server.process.pid}/schedstat")
                    time.sleep(0.5)
                    before = int(file.read_text().split()[0])
                    for _ in range(times):
                        with socket.create_connection(("127.0.0.1", 2205)) as client:
                            client.recv(100)
                    time.sleep(1)
                    row.add("postern", (int(file.read_text().split()[0]) - before) / 1e9 / times)
        return list(rows.values())

    def opened(self, row, runs, names, cores=None):
        """How long both take to open the volumes with the key file: the agent, which is started anew and ends by itself,
        and one cryptsetup after the other."""
        key = "/key:UUID=11111111-2222-3333-4444-555555555555"
        conf = self.configured("members", 2206, [f"{name} {key}" for name in names])
        row.missing = {"dropbear": ONLY_SSH, "tinyssh": ONLY_SSH}
        bound = [] if cores is None else ["taskset", "-c", f"0-{cores - 1}"]
        loop = 'for name; do cryptsetup open --test-passphrase --key-file "$0" "$name" || exit; done'
        for _ in range(runs):
            row.add("postern", timed(
                [*bound, self.agent, "agent", "--rehearse", "--key-volume", f"{self.work}/keys", "-f", conf]))
            row.add("openssh", timed([
                *bound, *self.inside, "sh", "-c", loop, f"{self.work}/keys/key",
                *[f"{self.work}/{name}.img" for name in names]]))
        return row

    def members(self):
        rows = []
        known = len(os.sched_getaffinity(0))
        note = "no volume is activated on either side: a rehearsal, and cryptsetup open --test-passphrase"
        for cost, label, sizes, runs in (("cheap", "cheap PBKDF2", SIZES, 7), ("real", "argon2id of 512 MiB", SIZES[:2], 3)):
            if cost == "real" and self.quick:
                continue
            names = [f"{cost}-{number}" for number in range(max(sizes))]
            for name in names:
                self.luks(name, CHEAP if cost == "cheap" else REAL)
            for size in sizes:
                for cores in CORES:
                    what = f"{size} by key file, {label}, {cores} core{'s' * (cores > 1)}"
                    row = Row(f"members-{size}-{cost}-{cores}", what, "seconds", "openssh")
                    row.notes = [note]
                    rows.append(row)
                    if cores > known:
                        row.missing["postern"] = f"this machine has {known} core"
                        continue
                    self.opened(row, 1 if self.quick else runs, names[:size], cores)
        if not self.quick:
            rows[-1].notes.append("16 and 64 of these are not measured: they would take the time of all other rows")
        return rows

    def derive(self):
        rows = []
        mebibytes, iterations = (64, 80_000) if self.quick else (1024, 8_000_000)
        for name, costs, what in (
                ("argon2id", f"{ARGON2ID} {mebibytes * 1024}", f"{mebibytes} MiB, 2 threads, 8 passes"),
                ("pbkdf2", f"{PBKDF2} {iterations}", f"SHA-256, {iterations:,} iterations")):
            self.luks(name, costs)
            row = Row(name, f"one volume by key file, {name} ({what})", "seconds", "openssh")
            rows.append(self.opened(row, 1 if self.quick else 3, [name]))
        return rows

    def flood(self):
        under = Row("flood", "login from another address under a flood from one", "seconds", "dropbear")
        calm = Row("flood-quiet", "the same login without the flood", "seconds", "dropbear")
        under.notes.append("200 half-open connections and a client that tries keys")
        for row in (under, calm):
            row.missing["tinyssh"] = NO_LISTENER
        failures = {}
        here = os.path.dirname(os.path.abspath(__file__))

        def once(server):
            if server.who == "tinyssh":
                return
            login = self.ssh(server, "BindAddress=127.0.0.2")
            for row in (calm, under):
                with server:
                    flood = None
                    if row is under:
                        flood = subprocess.Popen(
                            [sys.executable, f"{here}/flood.py", str(server.port), f"{self.work}/stranger"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
                        time.sleep(3)
                    try:
                        for _ in range(2 if self.quick else 10):
                            try:
                                row.add(server.who, timed(login))
                            except RuntimeError:
                                if row is calm:
                                    raise
                                failures[server.who] = failures.get(server.who, 0) + 1
                    finally:
                        if flood:
                            os.killpg(flood.pid, signal.SIGKILL)
                            if flood.communicate()[0]:
                                raise RuntimeError(f"a stranger got in at {server.who}")

        self.in_turn(1 if self.quick else 3, once)
        if "postern" in failures:
            raise RuntimeError(f"{failures['postern']} of the owner's logins failed")
        for who, count in failures.items():
            tried = count + len(under.samples.get(who, []))
            note = f"{count} of {tried} of the owner's logins failed at {who}"
            if count == tried:
                under.missing[who] = note
            else:
                under.notes.append(note)
        return [under, calm]
