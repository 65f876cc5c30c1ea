import Foundation
import TestPeers
import Testing

/// The NAS of `initrd/nixos/example/nas.nix`, as Debian's nix evaluates it over stubs of NixOS's options.
@Suite struct ExampleTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Before 24.11 Samba's shares were another option.
    @Test(arguments: ["24.11", "25.11", "26.05", "26.11"])
    func `nothing is wrong with it`(version: String) throws {
        let nas = try Example.evaluated(version: version)
        #expect(nas.failed == [])
        #expect(nas.warnings == [])
    }

    @Test func `an option that NixOS does not have is an error`() throws {
        let end = try Example.evaluate(with: "{ services.zfs.autoScrub.enabled = true; }")
        #expect(end.status != 0)
        #expect(end.err.contains("there is no option .services.zfs.autoScrub.enabled"), "\(end)")
    }

    @Test func `a root asks, and two arrays have a key each on the key volume`() throws {
        let crypttab = try #require(try Example.evaluated().files["/etc/crypttab"])
        let lines = crypttab.split(separator: "\n").map { $0.split(separator: " ") }
        let keyVolume = "UUID=953ef32c-e9cb-4049-bf33-56f9e2c84b55"
        var keys: [String: [Substring]] = [:]
        for line in lines { keys[String(line[2]), default: []].append(line[0]) }
        #expect(
            keys == [
                "-": ["crypt-root"],
                "/etc/keyfile:\(keyVolume)": (1...6).map { "storage-\($0)" },
                "/etc/apollo.kf:\(keyVolume)": ["media-1", "media-2"],
            ])
    }

    @Test func `the boot needs five disks of storage and one of media`() throws {
        let settings = try #require(try Example.evaluated().files["/etc/postern/postern.conf"])
        #expect(settings.contains("Array storage quorum=5 storage-*\n"))
        #expect(settings.contains("Array media any media-*\n"))
        #expect(settings.contains("Port 2222\n"))
    }

    @Test func `postern check has no findings in its configuration`() throws {
        let nas = try Example.evaluated()
        let etc = folder.path("etc/postern")
        try FileManager.default.createDirectory(atPath: etc, withIntermediateDirectories: true)
        for (path, text) in nas.files where !path.hasPrefix("/etc/ssl/") {
            // What the configuration names lies in the initrd, which is the folder here; key files lie on the key volume.
            let moved = path.hasSuffix(".conf") ? text.replacing(" /etc/", with: " \(folder.path("etc"))/") : text
            try folder.write(moved, to: String(path.dropFirst()))
        }
        #expect(nas.secrets.count == 1)
        for path in nas.secrets.keys {
            let made = try run(
                "ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", folder.path(String(path.dropFirst()))])
            #expect(made.status == 0, "\(made)")
        }
        let end = try run(Configuration.agent, ["check", "-f", "\(etc)/postern.conf"])
        #expect(end.status == 0, "\(end)")
        #expect(end.out.hasSuffix("no findings; 9 volumes, 1 authorized keys, 1 host keys\n"), "\(end)")
    }

    @Test func `the root's pool is imported after its volume was opened`() throws {
        #expect(try Example.evaluated().after["zfs-import-nixos-rpool"]?.contains("postern.service") == true)
    }

    @Test func `no secret lies in the store`() throws {
        let nas = try Example.evaluated()
        #expect(nas.secrets.values.allSatisfy { $0.hasPrefix("/etc/secrets/") })
        #expect(!nas.zed.contains("http"))
    }

    @Test func `pools are scrubbed, and both exporters and the figures of the boot watched`() throws {
        let nas = try Example.evaluated()
        #expect(nas.scrub)
        #expect(nas.exporters == ["node", "zfs"])
        let links = nas.tmpfiles.filter { $0.hasPrefix("L+ ") }.map { $0.split(separator: " ").map(String.init) }
        let link = try #require(links.first)
        #expect(links.count == 1 && link.last == "/run/postern/postern.prom")
        #expect(nas.flags == ["--collector.textfile.directory=" + (link[1] as NSString).deletingLastPathComponent])
        #expect((link[1] as NSString).pathExtension == "prom")
    }

    @Test func `of the boot it tells by Postern's own notifications, also after it`() throws {
        let nas = try Example.evaluated()
        let settings = try #require(nas.files["/etc/postern/postern.conf"])
        #expect(settings.contains("\nNotify ntfy https://ntfy.example.org/apollo\n"))
        #expect(nas.script["postern-notify"] != nil)
    }

    @Test func `ZED tells of every scrub, at an address that it reads from a file`() throws {
        try folder.write("https://discord.example/hook/slack\n", to: "zed-webhook")
        let zed = try Example.evaluated().zed.replacing("/run/agenix", with: folder.path(""))
        try folder.write(zed, to: "zed.rc")
        // As the scripts of /etc/zfs/zed.d read it.
        let end = try run(
            "/bin/sh", ["-euc", #". "$0"; echo "$ZED_SLACK_WEBHOOK_URL $ZED_NOTIFY_VERBOSE""#, folder.path("zed.rc")])
        #expect(end.out == "https://discord.example/hook/slack 1\n", "\(end)")
    }

    @Test func `what needs the data waits for its file systems`() throws {
        let mounts = try Example.evaluated().mounts
        #expect(mounts["nas-shares"] == ["/data/isos", "/data/photos"])
    }
}
