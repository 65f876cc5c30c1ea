import Foundation
import TestPeers
import Testing

/// What dracut's module makes of a kernel command line: lines of crypttab for the volumes that it names.
@Suite struct DracutModuleTests {
    private static let one = "8d103e45-0233-4756-899e-bf8892644790"
    private static let two = "71b8da53-53f5-4ca9-a45a-d1773471e355"
    private static let module = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "initrd/dracut/90postern/module-setup.sh").path

    @Test(
        "volumes are named as dracut and systemd name them",
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
            (
                "rd.luks.uuid=\(one) rd.luks.key=/etc/key",
                "postern: luks.key= is left to systemd, and so are the volumes of the kernel command line\n"
            ),
        ])
    func named(_ words: String, _ lines: String) throws {
        let script = #"dwarning() { echo "$*"; }; . "$0"; named $1"#
        let end = try run("/bin/bash", ["-c", script, DracutModuleTests.module, words], timeout: 60)
        #expect(end.status == 0 && end.out == lines, "\(end)")
    }
}
