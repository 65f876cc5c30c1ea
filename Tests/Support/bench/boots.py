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
CARD = bytes.fromhex("525400123456")
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
        self.who, self.address, self.port = who, address, 2300
        self.packets = pathlib.Path(f"{work}/packets")
        self.packets.write_bytes(b"")
        arguments = f"root=/dev/mapper/crypt-root ro nowatchdog rcupdate.rcu_cpu_stall_timeout=120 ip={ADDRESSES[address]}"
        arguments += f" init=/usr/bin/printenv {NEW_ROOT.decode()}"
        forward = f"user,id=net,hostfwd=tcp:127.0.0.1:{self.port}-:{PORTS[who]}"
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [vm, f"{images}/{who}.img", "768", arguments, "-netdev", forward, "-object",
             f"filter-dump,id=packets,netdev=net,file={self.packets}", "-device",
             f"virtio-net-pci,netdev=net,romfile=,mac={CARD.hex(':')}", "-drive",
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

    def segments(self):
        """The IPv4 packets of the network so far, by QEMU's record: protocol, source port, and what follows the IP header."""
        data = self.packets.read_bytes()
        place = 24
        while place + 16 <= len(data):
            frame = data[place + 16:place + 16 + int.from_bytes(data[place + 8:place + 12], "little")]
            place += 16 + len(frame)
            if frame[12:14] == b"\x08\0" and len(frame) >= 54:
                segment = frame[14 + (frame[14] & 15) * 4:]
                yield frame[23], int.from_bytes(segment[:2], "big"), segment

    def is_up(self):
        """Whether it has its address, or is about to: the second answer of DHCP came, or it sent anything at all."""
        if self.address == "dhcp":
            return sum(protocol == 17 and port == 67 for protocol, port, _ in self.segments()) > 1
        return CARD in self.packets.read_bytes()

    def has_answered(self):
        """Whether it has taken a connection."""
        return any(protocol == 6 and port == PORTS[self.who] and segment[13] & 0x12 == 0x12
                   for protocol, port, segment in self.segments())

    def banner(self, limit):
        """When the first line of an SSH server came.

        QEMU takes a connection long before the machine does, and offers it to the machine again and again, also when
        nobody wants it any more. Of many such dropbear takes five, and sends the owner away. So none is made before the
        machine has its address.
        """
        while time.monotonic() < self.began + limit and self.process.poll() is None:
            time.sleep(0.02)
            if not self.is_up():
                continue
            try:
                with socket.create_connection(("127.0.0.1", self.port)) as client:
                    until = time.monotonic() + 1
                    while not select.select([client], [], [], 0.1)[0]:
                        if time.monotonic() > until and not self.has_answered():
                            break
                        if time.monotonic() > self.began + limit:
                            break
                    else:
                        if client.recv(4) == b"SSH-":
                            return time.monotonic()
            except OSError:
                # The machine has refused it.
                pass
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
                    mine = [row for name, row in unlocks.items() if who == "postern" or name == way]
                    # QEMU stops an emulated machine in one of some hundred boots, and more often where the host is busy.
                    for attempt in ("once more", "given up"):
                        try:
                            banner, unlock = self.boot(who, address, command)
                        except RuntimeError as error:
                            self.say(f"  {attempt}: {error}")
                            failure = f"a boot failed twice: {error}"
                            continue
                        self.say(f"  banner after {banner:.2f} s, the new root {unlock:.2f} s after ssh")
                        banners[address].add(who, banner)
                        for row in mine:
                            row.add(who, unlock)
                        break
                    else:
                        for row in (banners[address], *mine):
                            row.failure = failure
        return [*banners.values(), *unlocks.values()]
