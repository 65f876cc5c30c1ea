import Foundation
import Repository
import TestPeers
import Testing

/// What dracut's module makes of a kernel command line: lines of crypttab for the volumes that it names.
@Suite struct DracutModuleTests {
    private static let one = "8d103e45-0233-4756-899e-bf8892644790"
    private static let two = "71b8da53-53f5-4ca9-a45a-d1773471e355"
    private static let module = Repository.path("initrd/dracut/90postern/module-setup.sh")

    @Test(
        arguments: [
            ("root=x quiet", ""),
            ("rd.luks.name=\(one)=crypt-root", "crypt-root UUID=\(one) none luks\n"),
            ("rd.luks.uuid=luks-\(one)", "luks-\(one) UUID=\(one) none luks\n"),
            ("luks.uuid=\(one)", "luks-\(one) UUID=\(one) none luks\n"),
            (
                "rd.luks.uuid=\(one) rd.luks.name=\(one)=data rd.luks.options=discard,tries=3",
                "data UUID=\(one) none luks,discard,tries=3\n"
            ),
            (
                "rd.luks.name=\(one)=b rd.luks.name=\(two)=a rd.luks.options=\(one)=tpm2-device=auto rd.luks.options=discard",
                "a UUID=\(two) none luks,discard\nb UUID=\(one) none luks,tpm2-device=auto\n"
            ),
            (
                "rd.luks.uuid=71b8",
                "postern: 71b8 on the kernel command line is no whole UUID, and is left to systemd\n"
            ),
            ("rd.luks.uuid=\(one) rd.luks=0", ""),
            ("rd.luks.uuid= rd.luks.uuid=luks- rd.luks.name==x rd.luks.name=", ""),
            (
                "rd.luks.uuid=\(one) rd.luks.data=\(one)=/dev/sdb",
                "postern: luks.data= is left to systemd, and so are the volumes of the kernel command line\n"
            ),
            (
                "rd.luks.uuid=\(one) rd.luks.crypttab=0",
                "postern: luks.crypttab=0 leaves systemd without the volumes of crypttab, should Postern fail\n"
                    + "luks-\(one) UUID=\(one) none luks\n"
            ),
            (
                "rd.luks.uuid=\(one) rd.luks.key=/etc/key",
                "postern: luks.key= is left to systemd, and so are the volumes of the kernel command line\n"
            ),
        ])
    func `volumes are named as dracut and systemd name them`(_ words: String, _ lines: String) throws {
        let script = #"dwarning() { echo "$*"; }; . "$0"; named $1"#
        let end = try run("/bin/bash", ["-c", script, DracutModuleTests.module, words], timeout: 60)
        #expect(end.status == 0 && end.out == lines, "\(end)")
    }

    @Test(
        arguments: [("root=x", "", false), ("root=x rd.neednet=1", "", true), ("root=x", "nfs", true)])
    func `a root that is not on the network does not wait for it, unless that was asked for`(
        _ words: String, _ netroot: String, _ stays: Bool
    ) throws {
        let folder = try TemporaryFolder()
        let hooks = folder.path("hooks/initqueue/finished")
        try FileManager.default.createDirectory(atPath: hooks, withIntermediateDirectories: true)
        for name in ["wait-network.sh", "wait-ens2.sh", "other.sh"] {
            try folder.write("", to: "hooks/initqueue/finished/\(name)")
        }
        try folder.write("\(words)\n", to: "cmdline")
        let hook = (DracutModuleTests.module as NSString).deletingLastPathComponent + "/no-wait.sh"
        let script = #"hookdir=$1 netroot=$2; eval "$(sed "s|/proc/cmdline|$3|" "$0")""#
        let end = try run(
            "/bin/sh", ["-euc", script, hook, folder.path("hooks"), netroot, folder.path("cmdline")], timeout: 60)
        #expect(end.status == 0, "\(end)")
        let left = try FileManager.default.contentsOfDirectory(atPath: hooks).sorted()
        #expect(left == (stays ? ["other.sh", "wait-ens2.sh", "wait-network.sh"] : ["other.sh"]))
    }

    /// systemd's own plugin copies the image, and makes the copy readable for all.
    @Test(
        arguments: ["bls", "uki"])
    func `no copy of an image that kernel-install makes is readable for anybody but root, for no moment`(layout: String)
        throws
    {
        let folder = try TemporaryFolder()
        let place = layout == "bls" ? "boot/id/6.1" : "boot/EFI/Linux"
        for path in [place, "staging"] {
            try FileManager.default.createDirectory(atPath: folder.path(path), withIntermediateDirectories: true)
        }
        for file in ["staging/initrd.img-6.1", "staging/uki.efi", "linux", "postern.conf"] {
            try folder.write("x", to: file)
        }
        let script = URL(filePath: DracutModuleTests.module).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "systemd/kernel-install").path
        try folder.write(
            String(contentsOfFile: script, encoding: .utf8).replacing("/etc/postern", with: folder.path(".")),
            to: "plugin")
        // In place of 90-uki-copy.install, which systemd 252 has not yet.
        try folder.write(
            "[ $KERNEL_INSTALL_LAYOUT != uki ] || install -m 0644 staging/uki.efi boot/EFI/Linux/id-6.1.efi", to: "copy"
        )
        let loader = "/usr/lib/kernel/install.d/90-loaderentry.install"
        func install(_ command: String) throws {
            let steps =
                "umask 022; set -- \(command) 6.1 $PWD/boot/id/6.1 $PWD/linux $PWD/staging/initrd.img-6.1; "
                + "sh plugin \"$@\" && stat -c %a \(place) >before && \(loader) \"$@\" && sh copy && sh plugin \"$@\""
            let end = try run(
                "/bin/sh", ["-euc", "cd \(folder.path(".")) && \(steps)"],
                environment: [
                    "KERNEL_INSTALL_LAYOUT": layout, "KERNEL_INSTALL_BOOT_ROOT": folder.path("boot"),
                    "KERNEL_INSTALL_ENTRY_TOKEN": "id", "KERNEL_INSTALL_MACHINE_ID": "id",
                    "KERNEL_INSTALL_VERBOSE": "0",
                    "KERNEL_INSTALL_STAGING_AREA": folder.path("staging"), "PATH": "/usr/bin:/bin",
                ], timeout: 60)
            #expect(end.status == 0, "\(end)")
        }
        func mode(_ path: String) throws -> Int {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.path(path))
            return (attributes[.posixPermissions] as? Int ?? 0) & 0o77
        }
        let image = layout == "bls" ? "\(place)/initrd.img-6.1" : "\(place)/id-6.1.efi"
        try install("add")
        #expect(try String(contentsOfFile: folder.path("before"), encoding: .utf8) == "700\n")
        #expect(try mode(image) == 0 && mode(place) == 0)
        #expect(try layout == "uki" || mode("\(place)/linux") == 0o44)
    }
}
