import Config
import ConfigFiles
import Foundation
import TestPeers
import Testing

@testable import Check

/// What `postern check` says of the network, of machines and images that are no more than folders.
@Suite struct NetworkCheckTests {
    @Test func `a machine with one card, whose image has all of it, has no finding`() throws {
        let net = try MadeNetwork()
        let report = try net.look()
        #expect(report.findings.isEmpty)
        #expect(report.notices.isEmpty)
    }

    @Test(arguments: [
        "ip=dhcp", "quiet ip=:::::eno1:dhcp", "ip=eno1:dhcp", "ip=192.0.2.5::192.0.2.1:255.255.255.0:nas:eno1:none",
        "ip=192.0.2.5::192.0.2.1:24::eno1:off", "ip=[2001:db8::5]::[2001:db8::1]:64::eno1:none", "ip=192.0.2.5", "ip=",
        "ifname=lan0:02:00:00:00:00:01 ip=lan0:dhcp", "bond= ip=bond0:dhcp", "tip=x", "ip=enp3s0:dhcp",
        "ip=eno1:none ip=eno1:dhcp",
    ])
    func `an address that can be had is no finding`(words: String) throws {
        let net = try MadeNetwork()
        try net.put("BOOT_IMAGE=/vmlinuz root=/dev/sda1 \(words)\n", at: "machine/proc/cmdline")
        try net.put("E:ID_NET_NAME_ONBOARD=eno1\nE:ID_NET_NAME_PATH=enp3s0\n", at: "machine/run/udev/data/n2")
        let report = try net.look()
        #expect(report.findings.isEmpty && report.notices.isEmpty)
    }

    @Test(arguments: ["ip=off", "ip=:::::eno1:none"])
    func `no address of IPv4 is a notice, for there may be one of IPv6`(words: String) throws {
        let net = try MadeNetwork()
        try net.put(words, at: "machine/proc/cmdline")
        let report = try net.look()
        #expect(report.findings.isEmpty)
        #expect(report.notices.map(\.problem).first?.contains("without an address") == true)
    }

    @Test func `what dracut wrote into the image as kernel_cmdline counts`() throws {
        let net = try MadeNetwork()
        try net.put("ip=eth7:dhcp\n", at: "image/etc/cmdline.d/20-net.conf")
        #expect(try net.look().findings.first?.description.hasPrefix("/etc/cmdline.d/20-net.conf: ") == true)
        try net.put("bond=bond0:eno1,eno2 ip=bond0:dhcp\n", at: "image/etc/cmdline.d/20-net.conf")
        try net.put("eno1 eno2\n", at: "machine/sys/class/net/bond0/bonding/slaves")
        try net.route("bond0")
        let report = try net.look()
        #expect(report.findings.isEmpty && report.notices.isEmpty)
    }

    @Test(arguments: [
        ("ip=:::::eth0:dhcp", "ip=:::::eth0:dhcp names eth0, and this machine has no such card; name the card eno1"),
        ("ip=eth0:dhcp", "names eth0"), ("ip=192.0.2.5::192.0.2.1:255.255.255.0::eth0:none", "names eth0"),
        ("ip=dchp", "ip=dchp is malformed: it is neither an address nor a way to get one"),
        ("ip=192.0.2.500::192.0.2.1:24::eno1:none", "192.0.2.500 is no address"),
        ("ip=192.0.2.5::192.0.2:24::eno1:none", "192.0.2 is no gateway"),
        ("ip=192.0.2.5::192.0.2.1:129::eno1:none", "129 is no netmask"),
        ("ip=:::::eno1:dhpc", "dhpc is no way to get an address"),
        ("ip=docker0:dhcp", "names the bridge docker0, which the initrd does not make; name the card eno1"),
    ])
    func `an address that cannot be had is a finding`(words: String, text: String) throws {
        let net = try MadeNetwork()
        try net.put("BOOT_IMAGE=/vmlinuz root=/dev/sda1 \(words)\n", at: "machine/proc/cmdline")
        try net.make("machine/sys/class/net/docker0/bridge")
        let findings = try net.look().findings.map(\.description)
        #expect(findings.count == 1)
        #expect(findings.first?.hasPrefix("/proc/cmdline: ") == true)
        #expect(findings.first?.contains(text) == true, "\(findings)")
    }

    @Test func `what initramfs-tools put into the image counts where the kernel command line has no address`() throws {
        let net = try MadeNetwork()
        try net.put("# IP=off\nDEVICE=eth1\nIP=:::::eth0:dhcp\n", at: "image/conf/initramfs.conf")
        #expect(
            try net.look().findings.map(\.description) == [
                "/conf/initramfs.conf:3: ip=:::::eth0:dhcp names eth0, and this machine has no such card; "
                    + "name the card eno1 there"
            ])
        try net.put("ip=dhcp", at: "machine/proc/cmdline")
        #expect(
            try net.look().findings.map(\.description) == [
                "/conf/initramfs.conf:2: DEVICE=eth1 names eth1, and this machine has no such card; "
                    + "name the card eno1 there"
            ])
        try net.put("DEVICE=\"\"\n", at: "image/conf/conf.d/card")
        #expect(try net.look().findings.isEmpty)
    }

    @Test func `a card whose driver or PHY the image lacks is a finding`() throws {
        let net = try MadeNetwork()
        let modules = "image/usr/lib/modules/6.1.0-1/kernel/"
        for name in ["r8169", "realtek"] {
            try net.remove("\(modules)\(name).ko")
            let findings = try net.look().findings.map(\.description)
            #expect(findings.contains { $0.hasPrefix("eno1: its driver needs the module \(name), ") })
            try net.put("", at: "\(modules)\(name).ko")
        }
        #expect(try net.look().findings.isEmpty)
        // Without an image nothing is known of it.
        #expect(try net.look(hasImage: false).findings.isEmpty)
    }

    @Test func `firmware that the machine has and the image lacks is a finding`() throws {
        let net = try MadeNetwork()
        try net.module("r8169", firmware: ["rtl_nic/rtl8168d-1.fw", "rtl_nic/rtl8168h-2.fw"])
        // It is for another card of the driver, and nobody has it.
        #expect(try net.look().findings.isEmpty)
        try net.put("", at: "machine/lib/firmware/rtl_nic/rtl8168h-2.fw.xz")
        #expect(
            try net.look().findings.first?.problem.hasPrefix(
                "the image of 6.1.0-1 lacks the firmware rtl_nic/rtl8168h-2.fw: its driver r8169 ") == true)
        try net.put("", at: "machine/usr/lib/firmware/rtl_nic/rtl8168d-1.fw")
        #expect(try net.look().findings.first?.problem.contains("rtl8168d-1.fw, with 1 more of that driver") == true)
        try net.put("", at: "image/usr/lib/firmware/rtl_nic/rtl8168d-1.fw.zst")
        try net.put("", at: "image/lib/firmware/6.1.0-1/rtl_nic/rtl8168h-2.fw")
        #expect(try net.look().findings.isEmpty)
    }

    @Test func `firmware of a driver that the kernel has built in counts`() throws {
        let net = try MadeNetwork()
        let folder = "image/usr/lib/modules/6.1.0-1"
        try net.remove("\(folder)/kernel/r8169.ko")
        try net.put("kernel/drivers/net/r8169.ko\n", at: "\(folder)/modules.builtin")
        try net.put("r8169.license=GPL\0r8169.firmware=rtl_nic/a.fw\0", at: "\(folder)/modules.builtin.modinfo")
        try net.put("", at: "machine/lib/firmware/rtl_nic/a.fw")
        #expect(try net.look().findings.map(\.problem).count { $0.contains("firmware rtl_nic/a.fw") } == 1)
    }

    @Test func `a bridge is a notice, and the card below it is looked at`() throws {
        let net = try MadeNetwork()
        try net.make("machine/sys/class/net/br0/bridge")
        try net.make("machine/sys/class/net/br0/brif/eno1")
        try net.make("machine/sys/class/net/br0/brif/vnet3")
        try net.make("machine/sys/class/net/vnet3")
        try net.route("br0")
        #expect(try net.look().findings.isEmpty)
        #expect(
            try net.look().notices.first?.problem
                == "the bridge br0 carries the default route; the initrd has no bridge, and asks DHCP at eno1 itself")
        try net.remove("image/usr/lib/modules/6.1.0-1/kernel/r8169.ko")
        #expect(try net.look().findings.map(\.file) == ["eno1"])
    }

    @Test func `a VLAN is a finding and a bond a notice unless the initrd makes them`() throws {
        let net = try MadeNetwork()
        try net.put("eno1 eno2\n", at: "machine/sys/class/net/bond0/bonding/slaves")
        try net.put("DEVTYPE=vlan\nINTERFACE=bond0.7\n", at: "machine/sys/class/net/bond0.7/uevent")
        try net.make("machine/sys/class/net/bond0.7/lower_bond0")
        try net.route("bond0.7")
        #expect(
            try net.look().findings.map(\.problem) == [
                "the VLAN bond0.7 carries the default route, and the initrd does not make it"
            ])
        #expect(try net.look().notices.map(\.file) == ["bond0"])
        try net.put("[NetDev]\nName=bond0\nKind=bond\n", at: "image/etc/systemd/network/10-b.netdev")
        #expect(try net.look().findings.map(\.file) == ["bond0.7"])
        #expect(try net.look().notices.isEmpty)
        try net.put("ip=:::::eno1:dhcp", at: "machine/proc/cmdline")
        #expect(try net.look().findings.isEmpty)
        try net.put("vlan=bond0.7:bond0 ip=bond0.7:dhcp", at: "machine/proc/cmdline")
        #expect(try net.look().findings.isEmpty)
    }

    @Test func `a wireless card is a finding`() throws {
        let net = try MadeNetwork()
        try net.make("machine/sys/class/net/wlan0/wireless")
        try net.route("wlan0")
        #expect(
            try net.look().findings.map(\.problem) == [
                "the wireless card wlan0 carries the default route, and the initrd joins no wireless network"
            ])
    }

    @Test func `the default route with the lowest metric counts, of IPv4 and of IPv6`() throws {
        let net = try MadeNetwork()
        for name in ["wlan0", "wlan1", "wlan2"] { try net.make("machine/sys/class/net/\(name)/wireless") }
        let zeros = String(repeating: "0", count: 32)
        try net.put(
            "\(zeros) 00 \(zeros) 00 \(zeros) ffffffff 00000001 00000000 00200200       lo\n"
                + "\(zeros) 00 \(zeros) 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 wlan1\n"
                + "fe800000000000000000000000000000 40 \(zeros) 00 \(zeros) 00000100 00000001 00000000 00000001 wlan2\n",
            at: "machine/proc/net/ipv6_route")
        try net.put(
            MadeNetwork.routeTitle + "wlan0\t00000000\t010200C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
                + "eno1\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
                + "wlan2\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n", at: "machine/proc/net/route")
        #expect(try net.look().findings.map(\.file) == ["wlan1"])
    }

    @Test func `without a default route nothing can be looked at, which is a notice`() throws {
        let net = try MadeNetwork()
        try net.put(MadeNetwork.routeTitle, at: "machine/proc/net/route")
        #expect(try net.look().findings.isEmpty)
        #expect(try net.look().notices.map(\.file) == ["/proc/net/route"])
    }

    @Test func `another ssh server of the image on Postern's port is a finding`() throws {
        let net = try MadeNetwork()
        try net.put("", at: "image/usr/sbin/dropbear")
        try net.put("", at: "image/scripts/init-premount/dropbear")
        #expect(try net.look().findings.isEmpty)
        let conf = "image/etc/dropbear/dropbear.conf"
        for options in ["-s -p 2222", "-I 60 -p2222", "-p 192.0.2.1:2222 -j"] {
            try net.put("#DROPBEAR_OPTIONS=\nDROPBEAR_OPTIONS=\"\(options)\"\n", at: conf)
            #expect(try net.look().findings.map(\.file) == ["port 2222"], "\(options)")
        }
        try net.put("DROPBEAR_OPTIONS='-p 4748'", at: conf)
        #expect(try net.look().findings.isEmpty)
        try net.put("", at: "image/usr/sbin/tinysshd")
        try net.put("Port 22\n", at: "postern.conf")
        #expect(try net.look().findings.map(\.file) == ["port 22"])
        try net.remove(conf)
        #expect(try net.look().findings.count == 2)
    }

    @Test func `a port that a program of the booted machine has is a notice`() throws {
        let net = try MadeNetwork()
        let title = "  sl  local_address rem_address   st tx_queue rx_queue\n"
        let line = "   0: 00000000000000000000000000000000:08AE 00000000000000000000000000000000:0000 "
        try net.put("\(title)\(line)01 00000000:00000000\n", at: "machine/proc/net/tcp6")
        #expect(try net.look().notices.isEmpty)
        try net.put("\(title)\(line)0A 00000000:00000000\n", at: "machine/proc/net/tcp6")
        #expect(try net.look().notices.map(\.file) == ["port 2222"])
        #expect(try net.look().findings.isEmpty)
    }
}

/// A machine with the card eno1, and its image, which has all that the card needs.
private final class MadeNetwork {
    private let folder: TemporaryFolder
    static let routeTitle = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"

    init() throws {
        folder = try TemporaryFolder()
        try make(".")
        try put("Port 2222\n", at: "postern.conf")
        let card = "machine/sys/devices/pci0/0000:02:00.0"
        for module in ["r8169", "realtek"] {
            try make("machine/sys/module/\(module)")
            try make("machine/sys/drivers/\(module)")
            try link("machine/sys/drivers/\(module)/module", to: "machine/sys/module/\(module)")
            try put("", at: "image/usr/lib/modules/6.1.0-1/kernel/\(module).ko")
        }
        try make("\(card)/mdio/phy0")
        try make("machine/sys/class/net/lo")
        try make("machine/sys/class/net/eno1")
        try link("machine/sys/class/net/eno1/device", to: card)
        try link("machine/sys/class/net/eno1/phydev", to: "\(card)/mdio/phy0")
        try link("\(card)/driver", to: "machine/sys/drivers/r8169")
        try link("\(card)/mdio/phy0/driver", to: "machine/sys/drivers/realtek")
        try make("image/scripts")
        try put("BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro quiet\n", at: "machine/proc/cmdline")
        try route("eno1")
    }

    func look(hasImage: Bool = true) throws -> CheckReport {
        var report = CheckReport()
        NetworkCheck.look(
            machine: folder.path("machine"), image: hasImage ? folder.path("image") : nil,
            configuration: Configuration(file: folder.path("postern.conf")), into: &report)
        return report
    }

    /// Has the default route go over a link.
    func route(_ name: String) throws {
        try put(
            MadeNetwork.routeTitle + "\(name)\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n",
            at: "machine/proc/net/route")
    }

    /// Makes a module of the image anew, one that modinfo reads.
    func module(_ name: String, firmware: [String]) throws {
        let source = folder.path("\(name).c")
        let lines = firmware.enumerated().map { place, path in
            "__attribute__((section(\".modinfo\"), used)) static const char f\(place)[] = \"firmware=\(path)\";\n"
        }
        try Data(lines.joined().utf8).write(to: URL(filePath: source))
        let object = folder.path("image/usr/lib/modules/6.1.0-1/kernel/\(name).ko")
        let made = try run("clang", ["-c", "-x", "c", source, "-o", object])
        #expect(made.status == 0, "\(made)")
    }

    func make(_ path: String) throws {
        try FileManager.default.createDirectory(atPath: folder.path(path), withIntermediateDirectories: true)
    }

    func put(_ text: String, at path: String) throws {
        try make((path as NSString).deletingLastPathComponent)
        try folder.write(text, to: path)
    }

    func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: folder.path(path)) }

    private func link(_ path: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: folder.path(path), withDestinationPath: folder.path(target))
    }
}
