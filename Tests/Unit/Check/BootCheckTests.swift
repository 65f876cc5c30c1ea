import Config
import ConfigFiles
import Foundation
import Image
import TestPeers
import Testing

@testable import Check

/// `postern check --boot`: what QEMU and the kernel in it are given.
@Suite struct BootCheckTests {
    /// `ip=`, networkd's address, and what QEMU's network is then, or why there is none.
    @Test(
        arguments: [
            ([], [], "net=10.0.2.0/24,dhcpstart=10.0.2.15,hostfwd=tcp:127.0.0.1:2222-10.0.2.15:22", nil),
            (["dhcp"], [], "net=10.0.2.0/24,dhcpstart=10.0.2.15,hostfwd=tcp:127.0.0.1:2222-10.0.2.15:22", nil),
            (["eno1:dhcp"], [], "net=10.0.2.0/24,dhcpstart=10.0.2.15,hostfwd=tcp:127.0.0.1:2222-10.0.2.15:22", "eno1"),
            (
                ["192.0.2.77::192.0.2.65:255.255.255.192:nas:eno1:off"], [],
                "net=192.0.2.64/26,host=192.0.2.65,dns=192.0.2.66,dhcpstart=192.0.2.77,hostfwd=tcp:127.0.0.1:2222-192.0.2.77:22",
                "eno1"
            ),
            (
                ["192.0.2.2::192.0.2.1:24::eno1:none"], [],
                "net=192.0.2.0/24,host=192.0.2.1,dns=192.0.2.3,dhcpstart=192.0.2.2,hostfwd=tcp:127.0.0.1:2222-192.0.2.2:22",
                "eno1"
            ),
            (
                ["192.0.2.2"], [],
                "net=192.0.2.0/24,host=192.0.2.3,dns=192.0.2.1,dhcpstart=192.0.2.2,hostfwd=tcp:127.0.0.1:2222-192.0.2.2:22",
                nil
            ),
            (
                [], ["192.0.2.9/28"],
                "net=192.0.2.0/28,host=192.0.2.2,dns=192.0.2.1,dhcpstart=192.0.2.9,hostfwd=tcp:127.0.0.1:2222-192.0.2.9:22",
                nil
            ),
            (
                [], ["2001:db8::9/64", "192.0.2.9/28"],
                "net=192.0.2.0/28,host=192.0.2.2,dns=192.0.2.1,dhcpstart=192.0.2.9,hostfwd=tcp:127.0.0.1:2222-192.0.2.9:22",
                nil
            ),
            (
                ["[2001:db8::2]:::64::eno1:none", "eno1:dhcp"], [],
                "net=10.0.2.0/24,dhcpstart=10.0.2.15,hostfwd=tcp:127.0.0.1:2222-10.0.2.15:22", "eno1"
            ),
            (["auto6"], [], "ip= gives the initrd no address over IPv4", nil),
            (["eno1:dhcp6"], [], "ip= gives the initrd no address over IPv4", nil),
            ([], ["2001:db8::9/64"], "the address 2001:db8::9 is not one of IPv4", nil),
            (["off"], [], "ip= gives the initrd no address over IPv4", nil),
            (["192.0.2.2::198.51.100.1:255.255.255.255::eno1:off"], [], "its gateway lies outside of its network", nil),
            (["[2001:db8::2]::[2001:db8::1]:64::eno1:off"], [], "ip= gives the initrd no address over IPv4", nil),
        ] as [([String], [String], String, String?)])
    func `the network in QEMU is the one that the initrd is told of`(
        addresses: [String], files: [String], options: String, card: String?
    ) throws {
        do {
            let network = try StandInNetwork(addresses: addresses, files: files, card: nil, port: 22)
            #expect(network.options == options && network.card == card)
        } catch {
            #expect(error.text.hasSuffix(options), "\(error)")
        }
    }

    /// What the kernel command line makes, the card of the booted machine, and the name of QEMU's or why there is none.
    @Test(arguments: [
        ("ip=br0:dhcp bridge=br0:eno1", "eno1", "eno1"),
        ("ip=br0:dhcp bridge=br0:bond0 bond=bond0:eno1,eno2:mode=1", "eno2", "eno1"),
        ("ip=bond0:dhcp bond=", "eno1", "eno1"),
        ("ip=lan0:dhcp ifname=lan0:02:00:00:00:00:01", "eno1", "lan0"),
        ("ip=eno1.5:dhcp vlan=eno1.5:eno1", "eno1", "there it has no VLAN"),
        ("ip=br0:dhcp bridge=br0:eno1.5 vlan=eno1.5:eno1", "eno1", "there it has no VLAN"),
        ("vlan=eno1.5:eno1", "eno1", "there it has no VLAN"),
        ("ip=eno1:dhcp ip=eno1.5:dhcp vlan=eno1.5:eno1", "eno1", "eno1"),
    ])
    func `what the initrd lays on its card finds that card in QEMU`(words: String, card: String, name: String) throws {
        let told = InitrdNetwork(beneath: "/nonexistent", image: nil, commandLine: Array(words.utf8))
        do {
            let network = try StandInNetwork(
                addresses: told.addresses.map { $0.value }, files: [], card: card, port: 22, layers: told.layers)
            #expect(network.card == name)
        } catch {
            #expect(error.text.hasSuffix(name) && error.isNotice, "\(error)")
        }
    }

    /// systemd's own files, which dracut has in each image, give addresses to the links of containers.
    @Test(arguments: [
        ("[Match]\nKind=veth\nName=ve-*\n[Network]\nAddress=0.0.0.0/28\n", []),
        ("[Match]\nVirtualization=container\nName=host0\n[Network]\nAddress=192.0.2.1/28\n", []),
        ("[Network]\nAddress=0.0.0.0/24\nAddress = \"192.0.2.5/24\"\n", ["192.0.2.5/24"]),
        ("[Match]\nName=eth0 en*\n[Network]\nAddress=2001:db8::5/64\n", ["2001:db8::5/64"]),
        ("[Match]\nName=eth0 en*\n[Network]\nDHCP=yes\nAddress=2001:db8::5/64\n", []),
        ("[Match]\nName=eth*\n[Network]\nAddress=192.0.2.5/24\n", []),
        ("[Match]\nName=!eth*\n[Network]\nAddress=192.0.2.5/24\n", ["192.0.2.5/24"]),
        ("[Match]\nName=!eno* br*\n[Network]\nAddress=192.0.2.5/24\n", []),
        ("[Match]\nName=br0\n[Network]\nAddress=192.0.2.5/24\n", ["192.0.2.5/24"]),
    ])
    func `of networkd's files the one that is for the card counts`(text: String, fixed: [String]) throws {
        let made = try MadeMachine()
        try made.put(text, at: "/usr/lib/systemd/network/80-a.network")
        try made.put("[Network]\nAddress=198.51.100.1/24\n", at: "/usr/lib/systemd/network/70-a.network")
        try made.put("[Match]\nName=wl*\n", at: "/etc/systemd/network/70-a.network")
        try made.put("[NetDev]\nName=br0\nKind=bridge\n", at: "/etc/systemd/network/br.netdev")
        try made.put("[NetDev]\nName=v5\nKind=vlan\n", at: "/etc/systemd/network/v.netdev")
        let told = InitrdNetwork(beneath: "/nonexistent", image: made.machine.root, commandLine: [])
        #expect(told.fixed(on: "eno1") == fixed)
        #expect(told.layers.map(\.isVLAN).sorted { !$0 && $1 } == [false, true] && told.makes("v5"))
    }

    @Test func `a machine that has too little memory boots nothing`() {
        #expect(BootProblem(memory: 700, free: 0) == nil)
        #expect(BootProblem(memory: 700, free: 700 << 10) == nil)
        #expect(
            BootProblem(memory: 700, free: (700 << 10) - 1)?.text
                == "QEMU takes 700 MiB of memory, and 699 MiB are free here")
    }

    @Test func `a key that needs nobody at hand logs in to QEMU, and a new one where none does`() throws {
        let folder = try TemporaryFolder()
        let key = try KeyPair(folder, "key")
        let made = try MadeMachine()
        try made.put(try String(contentsOfFile: key.path + ".pub", encoding: .utf8), at: "/etc/postern/authorized_keys")
        func trial() throws -> TrialKey {
            let own = folder.path(UUID().uuidString)
            try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
            let configuration = Configuration(file: MadeMachine.conf, beneath: made.machine.root)
            #expect(configuration.keys.count == 1)
            return try TrialKey(configuration, LoginMeans(identity: key.path), folder: own)
        }
        let own = try trial()
        #expect(own.file == key.path && own.added == nil && own.title.hasPrefix("with SHA256:"))
        let locked = try run("ssh-keygen", ["-q", "-p", "-N", "secret", "-f", key.path])
        #expect(locked.status == 0, "\(locked)")
        let new = try trial()
        #expect(new.file.hasSuffix("/key") && new.file != key.path && new.added?.hasPrefix("ssh-ed25519 ") == true)
    }

    @Test func `the kernel in QEMU is given the boot loader's words, without those that show nothing there`() throws {
        let made = try MadeMachine()
        try made.put("BOOT_IMAGE=/running quiet\n", at: "/proc/cmdline")
        #expect(BootedCommandLine(beneath: made.machine.root, isFirst: true).words == ["BOOT_IMAGE=/running", "quiet"])
        try made.put(
            "menuentry {\n\tlinux\t/vmlinuz root=UUID=a ro console=tty0 console=ttyS1 crashkernel=1G splash ip=dhcp\n}\n",
            at: "/boot/grub/grub.cfg")
        let line = BootedCommandLine(beneath: made.machine.root, isFirst: true)
        #expect(line.words.starts(with: ["root=UUID=a", "ro"]))
        #expect(line.inQEMU.hasPrefix("root=UUID=a ro ip=dhcp console=\(StandInMachine.console) "))
        #expect(BootedCommandLine(beneath: made.machine.root, isFirst: false).words.last == "quiet")
        try made.put("", at: "/boot/loader/entries/a.conf")
        try made.put("root=UUID=b\n", at: "/etc/kernel/cmdline")
        #expect(BootedCommandLine(beneath: made.machine.root, isFirst: false).words == ["root=UUID=b"])
    }

    @Test func `the archive behind the image has its files in folders`() throws {
        var archive = InitrdArchive()
        archive.add("/etc/postern/authorized_keys", Array("one\n".utf8), mode: 0o600)
        archive.add("/etc/systemd/network/a.link", Array("three".utf8), mode: 0o644)
        let folder = try TemporaryFolder()
        try Data(archive.finished()).write(to: URL(filePath: folder.path("archive")))
        let unpacked = try run(
            "/bin/sh",
            [
                "-euc",
                "cd \"$0\"; cpio --quiet -i -m <archive; find etc -printf '%m %p\\n' | sort -k 2; cat etc/*/*keys",
                folder.path(""),
            ])
        #expect(
            unpacked.out == """
                755 etc
                755 etc/postern
                600 etc/postern/authorized_keys
                755 etc/systemd
                755 etc/systemd/network
                644 etc/systemd/network/a.link
                one

                """, "\(unpacked)")
    }

    /// QEMU's machine with two disks, for an image with these modules.
    private func machine(_ modules: [String]) throws -> StandInMachine {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path("lib/modules/6.1/kernel"), withIntermediateDirectories: true)
        for module in modules { try folder.write("", to: "lib/modules/6.1/kernel/\(module).ko") }
        return try StandInMachine(
            files: "/x", kernel: "/k", commandLine: "quiet", modules: KernelModules(beneath: folder.path("")), disks: 2,
            network: "net=10.0.2.0/24", hardwareAddress: "52:54:00:00:00:01", memory: 512)
    }

    @Test(arguments: [
        (["virtio_net", "virtio_pci", "virtio_blk", "nvme", "e1000e"], "virtio-net-pci", "virtio-blk-pci"),
        (["e1000e", "virtio_blk", "ahci", "sd_mod"], "e1000e", "ide-hd"),
        (["igb", "nvme"], "igb", "nvme"),
    ])
    func `QEMU is a machine that the image has drivers for`(modules: [String], card: String, disk: String) throws {
        let words = try machine(modules).words
        let devices = words.indices.filter { words[$0] == "-device" }.map { words[$0 + 1] }
        #expect(devices.first == "\(card),netdev=network,romfile=,mac=52:54:00:00:00:01")
        #expect(devices.count == 3 && devices.dropFirst().allSatisfy { $0.hasPrefix(disk) })
    }

    @Test(arguments: [(["nvme", "virtio_net"], "network card"), (["e1000"], "disk")])
    func `an image without a driver for QEMU is not booted`(modules: [String], what: String) {
        let problem = BootProblem(
            "the image has a driver for no \(what) that QEMU could be", remedy: "leave out --boot")
        #expect(throws: problem) { try machine(modules) }
    }

    @Test func `a disk of SATA's is refused when there are too many`() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path("lib/modules/6.1"), withIntermediateDirectories: true)
        for module in ["e1000e", "ahci", "sd_mod"] { try folder.write("", to: "lib/modules/6.1/\(module).ko") }
        #expect(throws: BootProblem("QEMU has room for 6 volumes", remedy: "leave out --boot")) {
            try StandInMachine(
                files: "/x", kernel: "/k", commandLine: "", modules: KernelModules(beneath: folder.path("")), disks: 7,
                network: "", hardwareAddress: "", memory: 512)
        }
    }

    @Test(arguments: [
        ("a UUID=11111111-2222-3333-4444-555555555555 none luks", "11111111-2222-3333-4444-555555555555", nil),
        (
            "a /dev/disk/by-uuid/11111111-2222-3333-4444-555555555555 none luks",
            "11111111-2222-3333-4444-555555555555", nil
        ),
        (
            "a LABEL=data none luks,x-postern.uuid=11111111-2222-3333-4444-555555555555",
            "11111111-2222-3333-4444-555555555555", "data"
        ),
    ])
    func `a volume that has a UUID or a label has a stand-in`(line: String, uuid: String?, label: String?) throws {
        let standIn = try #require(BootTrial.StandIn(try entry(line)))
        #expect(standIn.name == "a" && standIn.uuid == uuid && standIn.label == label)
    }

    @Test(arguments: [
        "a /dev/vg/data none luks", "a PARTLABEL=data none luks", "a PARTUUID=11111111-01 none luks",
        "a UUID=11111111-2222-3333-4444-555555555555 none luks,header=/etc/header",
    ])
    func `a volume that is found by its place, or has its header elsewhere, has none`(line: String) throws {
        #expect(BootTrial.StandIn(try entry(line)) == nil)
    }

    @Test func `a stand-in has its key slot where crypttab says`() throws {
        let standIn = BootTrial.StandIn(try entry("a LABEL=data none luks,key-slot=3"))
        #expect(standIn?.keySlot == 3)
    }

    private func entry(_ line: String) throws -> CrypttabEntry {
        var findings: [Finding] = []
        return try #require(Crypttab.parse(Array(line.utf8), file: "crypttab", into: &findings).entries.first)
    }
}
