import Foundation
import Repository
import TestPeers
import Testing

/// What `initrd/install` puts where, and what mkinitcpio's hook makes of it.
@Suite struct InstallTests {
    private static let uuid = "8d103e45-0233-4756-899e-bf8892644790"

    /// Has `initrd/install` fill a folder, in which mkinitcpio is or is not.
    private func install(mkinitcpio: Bool, into folder: TemporaryFolder) throws -> Set<String> {
        let made = """
            mkdir -p "$1/usr/lib" && { [ "$3" = no ] || mkdir -p "$1/usr/lib/initcpio"; }
            for name in postern postern-initrd; do echo '#!/bin/sh' >"$1/../$name" && chmod 755 "$1/../$name"; done
            DESTDIR=$1 "$2" "$1/../postern" && cd "$1" && find . -type f -printf '%m %P\\n'
            """
        let end = try run(
            "/bin/sh",
            ["-euc", made, "sh", folder.path("root"), Repository.path("initrd/install"), mkinitcpio ? "yes" : "no"],
            timeout: 60)
        #expect(end.status == 0, "\(end)")
        return Set(end.out.split(separator: "\n").map(String.init))
    }

    @Test func `initrd/install puts the files where dracut, systemd, man and mkinitcpio look for them`() throws {
        let folder = try TemporaryFolder()
        let files = try install(mkinitcpio: false, into: folder)
        for file in [
            "755 usr/sbin/postern", "755 usr/lib/postern/postern-initrd",
            "755 usr/lib/dracut/modules.d/90postern/module-setup.sh",
            "644 usr/lib/dracut/modules.d/90postern/postern.service",
            "755 usr/lib/systemd/system-generators/postern-generator", "644 usr/share/man/man8/postern.8",
            "644 etc/postern/postern.conf",
        ] {
            #expect(files.contains(file), "\(file): \(files)")
        }
        #expect(!files.contains { $0.contains("initcpio") })

        // An administrator's own configuration stays.
        try "Port 22\n".write(toFile: folder.path("root/etc/postern/postern.conf"), atomically: false, encoding: .utf8)
        let again = try install(mkinitcpio: true, into: folder)
        #expect(again.subtracting(files) == ["644 usr/lib/initcpio/install/postern"])
        #expect(
            try String(contentsOfFile: folder.path("root/etc/postern/postern.conf"), encoding: .utf8) == "Port 22\n")
    }

    @Test(.enabled(if: geteuid() == 0, "needs root: it gives the hook another kernel command line"))
    func `mkinitcpio's hook takes the volumes of its crypttab, and those of the kernel command line`() throws {
        let folder = try TemporaryFolder()
        let script = """
            mkdir -p "$1/etc" && cd "$1"
            echo 'root=x rd.luks.name=\(InstallTests.uuid)=crypt-root rd.luks.uuid=luks.short' >cmdline
            printf '%s\\n' '# a remark' 'data UUID=2 /key luks' 'crypt-root UUID=3 none luks' >etc/crypttab
            mount --bind cmdline /proc/cmdline
            BUILDROOT=$1 postern_files=$2
            warning() { printf 'warning: '"$1"'\\n' "${@:2}"; }
            . <(sed '/^postern_files=/d' "$3")
            postern_volumes
            rm etc/crypttab
            postern_volumes
            """
        let end = try run(
            "/usr/bin/unshare",
            [
                "--mount", "/bin/bash", "-uc", script, "bash", folder.path("image"),
                Repository.path("initrd/dracut/90postern"), Repository.path("initrd/mkinitcpio/install/postern"),
            ], timeout: 60)
        let lines = end.out.split(separator: "\n").map(String.init)
        let named = lines.filter { !$0.hasPrefix("warning:") }
        #expect(
            named == [
                "data UUID=2 /key luks", "crypt-root UUID=3 none luks",
                "crypt-root UUID=\(InstallTests.uuid) none luks",
            ], "\(end)")
    }
}
