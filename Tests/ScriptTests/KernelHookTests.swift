import Foundation
import TestPeers
import Testing

/// What a new kernel's package runs where dracut makes the images: the Debian package's hook, and the look at the image
/// that it takes. The machine, its dracut and the agent are stand-ins.
@Suite struct KernelHookTests {
    private static let initrd = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "initrd")
    private static let alarm =
        "\npostern: after the next boot with Linux 6.1 this machine MAY NOT BE UNLOCKED FROM AFAR:\n"
    private let machine: TemporaryFolder

    init() throws {
        machine = try TemporaryFolder()
        for (script, place) in [
            ("debian/kernel-postinst", "hook"), ("initramfs-tools/check-image", "usr/share/postern/check-image"),
        ] {
            let text = try String(contentsOf: Self.initrd.appending(path: script), encoding: .utf8)
            try write(
                text.replacing(/\/(usr|etc|boot)\//) { machine.path(String($0.1)) + "/" }
                    .replacing("$root$conf", with: "$root/etc/postern/postern.conf"), to: place)
        }
        try write("", to: "etc/kernel/postinst.d/dracut")
        try write("", to: "etc/postern/postern.conf")
        try write("", to: "boot/initrd.img-6.1")
        // The image has the agent's configuration, and the agent has nothing to say of it.
        try write("mkdir -p etc/postern && : >etc/postern/postern.conf", to: "bin/lsinitrd")
        try write(
            "[ -e \"$3/etc/postern/postern.conf\" ] && echo 'f: no findings in the image; 1 volumes'",
            to: "usr/sbin/postern")
        for name in ["cat", "cp", "grep", "mkdir", "mktemp", "rm", "sed", "sh", "tail", "timeout"] {
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
    private func said() throws -> String {
        let end = try run(
            "/bin/sh", [machine.path("hook"), "6.1", "/boot/vmlinuz-6.1"],
            environment: ["PATH": machine.path("bin"), "TMPDIR": machine.path(".")], timeout: 60)
        #expect(end.status == 0 && end.out.isEmpty, "\(end)")
        return end.err
    }

    @Test func ofAnImageThatLacksNothingNothingIsSaid() throws {
        #expect(try said() == "")
    }

    @Test func whatTheAgentFindsIsSaid() throws {
        try write("echo 'f:1: no driver; add one'; exit 1", to: "usr/sbin/postern")
        #expect(try said() == Self.alarm + "postern:   f:1: no driver; add one\n")
    }

    @Test func anImageThatCannotBeUnpackedIsNamed() throws {
        try write("exit 1", to: "bin/lsinitrd")
        let image = machine.path("boot/initrd.img-6.1")
        #expect(try said() == Self.alarm + "postern:   \(image) cannot be unpacked, and was not looked at\n")
    }

    @Test func anImageWithoutTheAgentSaysWhyAndHowToMakeItAnew() throws {
        try write(":", to: "bin/lsinitrd")
        try write(
            "[ \"$1\" = image ] && { echo more >&2; echo 'authorized_keys: no key' >&2; exit 1; }",
            to: "usr/sbin/postern")
        try write("echo not-installed", to: "bin/dpkg-query")
        #expect(
            try said() == Self.alarm + "postern:   authorized_keys: no key\n"
                + "postern:   install the package dracut-network\n"
                + "postern:   put a key into \(machine.path("etc"))/postern/authorized_keys, and run: dracut --force\n")
    }

    @Test(
        "where dracut makes no images, or made none, nothing is looked at",
        arguments: [
            "etc/kernel/postinst.d/dracut", "boot/initrd.img-6.1", "etc/postern/postern.conf",
        ])
    func notDracut(missing: String) throws {
        try write("exit 1", to: "usr/sbin/postern")
        #expect(try said() != "")
        try FileManager.default.removeItem(atPath: machine.path(missing))
        #expect(try said() == "")
    }
}
