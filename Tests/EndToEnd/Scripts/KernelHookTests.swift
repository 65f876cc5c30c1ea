import Foundation
import Repository
import TestPeers
import Testing

/// What a new kernel's package runs where dracut makes the images: the Debian package's hook, and the look at the image
/// that it takes. The machine, its dracut and the agent are stand-ins.
@Suite struct KernelHookTests {
    private static let initrd = Repository.root.appending(path: "initrd")
    private static let alarm =
        "\npostern: after the next boot with Linux 6.1 this machine MAY NOT BE UNLOCKED FROM AFAR:\n"
    private static let again = "dracut --force, and see what it says of the module postern"
    private let machine: TemporaryFolder

    init() throws {
        machine = try TemporaryFolder()
        for (script, place) in [
            ("debian/kernel-postinst", "hook"), ("initramfs-tools/post-update", "other-hook"),
            ("initramfs-tools/check-image", "usr/share/postern/check-image"),
            ("dracut/90postern/module-setup.sh", "usr/lib/dracut/modules.d/90postern/module-setup.sh"),
        ] {
            let text = try String(contentsOf: Self.initrd.appending(path: script), encoding: .utf8)
            try write(
                text.replacing(/\/(usr|etc|boot)\//) { machine.path(String($0.1)) + "/" }
                    .replacing("$root$conf", with: "$root/etc/postern/postern.conf"), to: place)
        }
        for file in ["usr/lib/systemd/systemd-cryptsetup", "usr/lib/dracut/modules.d/40network/module-setup.sh"] {
            try write("", to: file)
        }
        for program in ["cryptsetup", "ip"] { try write("", to: "bin/\(program)") }
        try write("echo installed", to: "bin/dpkg-query")
        try write("", to: "etc/postern/postern.conf")
        try write("", to: "boot/initrd.img-6.1")
        // The image has the agent's configuration, and the agent has nothing to say of it.
        try write("mkdir -p etc/postern && : >etc/postern/postern.conf", to: "bin/lsinitrd")
        try write(
            "[ -e \"$3/etc/postern/postern.conf\" ] && echo 'f: no findings in the image; 1 volumes'",
            to: "usr/sbin/postern")
        for name in [
            "bash", "cat", "cp", "grep", "mkdir", "mktemp", "rm", "sed", "sh", "sort", "tail", "timeout", "tr",
        ] {
            let found = try run("/bin/sh", ["-c", "command -v \(name)"], timeout: 60).out.split(separator: "\n")[0]
            try FileManager.default.createSymbolicLink(
                atPath: machine.path("bin/\(name)"), withDestinationPath: String(found))
        }
    }

    /// Puts a program there.
    private func write(_ text: String, to path: String) throws {
        let place = URL(filePath: machine.path(path))
        try FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        let text = text.hasPrefix("#!") ? text : "#!/bin/sh\n\(text)\n"
        try Data(text.utf8).write(to: place)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: place.path)
    }

    /// What the hook says of the new kernel's image. It never fails.
    private func said(_ hook: String = "hook", _ file: String = "/boot/vmlinuz-6.1") throws -> String {
        let end = try run(
            "/bin/sh", [machine.path(hook), "6.1", file],
            environment: ["PATH": machine.path("bin"), "TMPDIR": machine.path(".")], timeout: 60)
        #expect(end.status == 0 && end.out.isEmpty, "\(end)")
        return end.err
    }

    @Test func `of an image that lacks nothing, nothing is said`() throws {
        #expect(try said() == "")
    }

    @Test func `what the agent finds is said`() throws {
        try write("echo 'f:1: no driver; add one'; exit 1", to: "usr/sbin/postern")
        #expect(try said() == Self.alarm + "postern:   f:1: no driver; add one\n")
    }

    @Test func `an image that cannot be unpacked is named`() throws {
        try write("exit 1", to: "bin/lsinitrd")
        let image = machine.path("boot/initrd.img-6.1")
        #expect(try said() == Self.alarm + "postern:   \(image) cannot be unpacked, and was not looked at\n")
    }

    /// An image without the agent, of which the agent itself says this.
    private func leaveOut(_ said: String) throws {
        try write(":", to: "bin/lsinitrd")
        try write("[ \"$1\" = image ] && { \(said); }", to: "usr/sbin/postern")
    }

    @Test func `an image without the agent says why and how to make it anew`() throws {
        try leaveOut("echo more; echo 'cannot be unlocked: no key may log in'; exit 1")
        #expect(
            try said() == Self.alarm + "postern:   cannot be unlocked: no key may log in\n"
                + "postern:   put a key into \(machine.path("etc"))/postern/authorized_keys, and run: dracut --force\n")
        try leaveOut("echo 'cannot be unlocked: there is no host key'; exit 1")
        #expect(
            try said() == Self.alarm + "postern:   cannot be unlocked: there is no host key\n"
                + "postern:   run: \(Self.again)\n")
    }

    @Test(
        arguments: [
            ("systemd-cryptsetup", "usr/lib/systemd/systemd-cryptsetup"), ("cryptsetup-bin", "bin/cryptsetup"),
            ("iproute2", "bin/ip"),
            ("dracut-network", "usr/lib/dracut/modules.d/40network"),
        ])
    func `a package without which dracut leaves the agent out is named`(name: String, file: String) throws {
        try leaveOut("exit 0")
        #expect(try said() == Self.alarm + "postern:   run: \(Self.again)\n")
        try FileManager.default.removeItem(atPath: machine.path(file))
        #expect(
            try said() == Self.alarm + "postern:   install the package \(name)\n" + "postern:   run: dracut --force\n")
        // dracut itself says it, too.
        let module = machine.path("usr/lib/dracut/modules.d/90postern/module-setup.sh")
        let script = #"require_binaries() { :; }; derror() { echo "$*"; }; . "$0"; check"#
        let end = try run(
            machine.path("bin/bash"), ["-c", script, module], environment: ["PATH": machine.path("bin")], timeout: 60)
        #expect(end.status == 1, "\(end)")
        #expect(end.out == "postern: not in this image; install what is missing: \(name) \n")
    }

    @Test(
        arguments: ["not-installed", "config-files", ""])
    func `who makes the images is told by the package, and not by programs of the other one`(state: String) throws {
        try write("echo \(state)", to: "bin/dpkg-query")
        try write("exit 1", to: "bin/lsinitrd")
        try write(":", to: "bin/unmkinitramfs")
        try leaveOut("exit 0")
        #expect(try said() == "")
        let image = machine.path("boot/initrd.img-6.1")
        #expect(try said("other-hook", image) == Self.alarm + "postern:   run: update-initramfs -u\n")
        // While dpkg has dracut in its hands, dracut makes them.
        try write("echo half-configured", to: "bin/dpkg-query")
        try write("exit 1", to: "bin/unmkinitramfs")
        try leaveOut("exit 0")
        for hook in ["hook", "other-hook"] {
            #expect(try said(hook, image) == Self.alarm + "postern:   run: \(Self.again)\n")
        }
    }

    @Test(
        arguments: [
            "boot/initrd.img-6.1", "etc/postern/postern.conf",
        ])
    func `where there is no image, or Postern is not configured, nothing is looked at`(missing: String) throws {
        try write("exit 1", to: "usr/sbin/postern")
        #expect(try said() != "")
        try FileManager.default.removeItem(atPath: machine.path(missing))
        #expect(try said() == "")
    }
}
