"""The rows that need an initrd: what it grows by, and boots of a machine in QEMU, one at a time."""

import os
import pathlib
import select
import socket
import subprocess
import threading
import time

from rows import Row

PASSPHRASE = "open sesame"
# As initramfs-tools has it.
ADDRESSES = {"static": "10.0.2.15::10.0.2.2:255.255.255.0::ens2:off", "dhcp": "dhcp"}
# How the passphrase comes to dropbear's machine: the script of cryptsetup-initramfs, and what it writes to.
WAYS = {"passfifo": "cat >/lib/cryptsetup/passfifo", "cryptroot-unlock": "cryptroot-unlock"}
PORTS = {"postern": 2222, "dropbear": 22}
PROMPTS = {"postern": b"Passphrase for crypt-root:", "dropbear": b"Please unlock disk crypt-root"}
# The new root's init prints its environment, which has the words of the kernel's command line that nobody else knew.
NEW_ROOT = b"bench_root=reached"
NOT_THERE = {
    "openssh": "Debian has no package that puts OpenSSH's server into an initrd",
    "tinyssh": "Debian 13 has no package that puts tinysshd into an initrd"}


def growth(folder):
    sizes = {}
    for line in pathlib.Path(f"{folder}/growth").read_text(encoding="utf-8").splitlines():
        name, *numbers = line.split()
        sizes[name] = [int(number) for number in numbers]
    rows = []
    for column, (name, what) in enumerate([
            ("growth-packed", "growth of the initrd, packed by the tests' trees (zstd -1)"),
            ("growth-packed-default", "the same, packed with Debian's own setting"),
            ("growth-unpacked", "the same, unpacked")]):
        row = Row(name, what, "bytes", "dropbear")
        row.missing = NOT_THERE
        row.notes.append(f"beyond the one with cryptsetup-initramfs alone, which has {sizes['bare'][column]:,} bytes")
        for who in ("postern", "dropbear"):
            row.add(who, sizes[who][column] - sizes["bare"][column])
        rows.append(row)
    return rows


class Machine:
    """A machine that boots an image, from its start on."""

    def __init__(self, vm, images, work, who, address):
        self.who = who
        self.port = 2300
        self.packets = pathlib.Path(f"{work}/packets")
        self.packets.write_bytes(b"")
        arguments = f"root=/dev/mapper/crypt-root ro nowatchdog ip={ADDRESSES[address]} init=/usr/bin/printenv "
        arguments += NEW_ROOT.decode()
        forward = f"user,id=net,hostfwd=tcp:127.0.0.1:{self.port}-:{PORTS[who]}"
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [vm, f"{images}/{who}.img", "768", arguments, "-netdev", forward, "-object",
             f"filter-dump,id=packets,netdev=net,file={self.packets}", "-device",
             "virtio-net-pci,netdev=net,romfile=,mac=52:54:00:12:34:56", "-drive",
             f"if=virtio,format=raw,file={images}/root.img", "-serial", "stdio"],
            env=os.environ | {"VM_KERNEL": f"{images}/vmlinuz"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.text = b""
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.seen = {}

    def read(self):
        while part := os.read(self.process.stdout.fileno(), 4096):
            now = time.monotonic()
            with self.changed:
                self.text += part
                for mark in (PROMPTS[self.who], NEW_ROOT):
                    if mark in self.text:
                        self.seen.setdefault(mark, now)
                self.changed.notify_all()

    def when(self, mark, limit):
        """When the console showed it."""
        with self.changed:
            if not self.changed.wait_for(lambda: mark in self.seen, limit):
                raise RuntimeError(f"{self.who}: no {mark.decode()} on the console: ... {self.text[-300:]}")
        return self.seen[mark]

    def has_answered(self):
        """Whether it has taken a connection: whether a SYN with an ACK came from it, by QEMU's record of the packets."""
        data = self.packets.read_bytes()
        place = 24
        while place + 16 <= len(data):
            packet = data[place + 16:place + 16 + int.from_bytes(data[place + 8:place + 12], "little")]
            place += 16 + len(packet)
            tcp = packet[14 + (packet[14] & 15) * 4:] if packet[12:14] == b"\x08\0" and packet[23] == 6 else b""
            if len(tcp) > 13 and int.from_bytes(tcp[:2], "big") == PORTS[self.who] and tcp[13] & 0x12 == 0x12:
                return True
        return False

    def banner(self, limit):
        """When the first line of an SSH server came.

        QEMU takes a connection long before the machine does, and what it then sends to it may be lost. So a connection that
        the machine has not taken after a fifth of a second is made anew.
        """
        while time.monotonic() < self.began + limit and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port)) as client:
                    while not select.select([client], [], [], 0.2)[0]:
                        if not self.has_answered() or time.monotonic() > self.began + limit:
                            break
                    else:
                        if client.recv(4) == b"SSH-":
                            return time.monotonic()
            except OSError:
                pass
            # QEMU itself is not there yet, or the machine has refused it.
            time.sleep(0.02)
        raise RuntimeError(f"{self.who}: no SSH banner: ... {self.text[-300:]}")

    def end(self):
        self.process.kill()
        self.process.communicate()
        self.reader.join()


class Boots:
    def __init__(self, here, images, tree, work, rounds, say):
        self.vm, self.images, self.tree, self.work = f"{here}/Support/qemu/vm", images, tree, work
        self.rounds, self.say = rounds, say

    def boot(self, who, address, way):
        """Seconds from the machine's start to the banner, and from that of ssh to that of the new root's init."""
        machine = Machine(self.vm, self.images, self.work, who, address)
        try:
            banner = machine.banner(300) - machine.began
            # An owner comes when the machine waits for the passphrase.
            machine.when(PROMPTS[who], 300)
            time.sleep(2)
            began = time.monotonic()
            client = subprocess.Popen(
                ["chroot", self.tree, "ssh", "-F", "none", "-i", f"{self.work}/owner", "-p", str(machine.port), "-o",
                 "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
                 "BatchMode=yes", "root@127.0.0.1", way],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            client.stdin.write(PASSPHRASE)
            client.stdin.close()
            try:
                return banner, machine.when(NEW_ROOT, 120) - began
            except RuntimeError as error:
                client.kill()
                raise RuntimeError(f"{error}\nssh: {client.stdout.read()}") from None
            finally:
                client.kill()
                client.wait()
                client.stdout.close()
        finally:
            machine.end()

    def rows(self):
        banners = {
            "static": Row("banner-static", "start of the machine to the SSH banner, static address", "seconds", "dropbear"),
            "dhcp": Row("banner-dhcp", "the same with DHCP", "seconds", "dropbear")}
        unlocks = {
            way: Row(f"unlock-{way}", f"start of ssh to the new root's init, dropbear by {way}", "seconds", "dropbear")
            for way in WAYS}
        for row in (*banners.values(), *unlocks.values()):
            row.missing = NOT_THERE
            row.notes.append("QEMU emulates the processor: only the ratios say something")
        subprocess.run(["install", "-m", "600", f"{self.images}/id", f"{self.work}/owner"], check=True)
        for number in range(self.rounds):
            # Each address with each way, as often.
            ways = list(WAYS) if number % 2 == 0 else list(reversed(WAYS))
            for address, way in zip(ADDRESSES, ways):
                for who in ("postern", "dropbear"):
                    self.say(f"booting {who} with a {address} address" + ("" if who == "postern" else f", {way}"))
                    command = "unlock" if who == "postern" else WAYS[way]
                    try:
                        banner, unlock = self.boot(who, address, command)
                    except RuntimeError as error:
                        # QEMU stops an emulated machine in one of some hundred boots.
                        self.say(f"  once more: {error}")
                        banners[address].notes.append(f"a boot of {who} failed, and was made once more")
                        banner, unlock = self.boot(who, address, command)
                    self.say(f"  banner after {banner:.2f} s, the new root {unlock:.2f} s after ssh")
                    banners[address].add(who, banner)
                    for name, row in unlocks.items():
                        if who == "postern" or name == way:
                            row.add(who, unlock)
        return [*banners.values(), *unlocks.values()]
