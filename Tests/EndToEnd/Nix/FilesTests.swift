import Foundation
import TestPeers
import Testing

/// What the agent reads is as it takes it.
@Suite struct FilesTests {
    /// Puts the files of a configuration below its folder, with paths that lie there, and host keys.
    private func put(_ configuration: Configuration, _ contents: [String: String]) throws {
        let etc = configuration.work.path("etc/")
        for (path, text) in contents {
            let own = text.replacing(" /etc/postern", with: " \(etc)postern").replacing(" /etc/key", with: " \(etc)key")
            try configuration.write(own, to: String(path.dropFirst()))
        }
        // In an initrd a secret of boot.initrd.secrets lies there.
        try configuration.write(String(repeating: "k", count: 8 + 32), to: "etc/key")
        let settings = try String(contentsOfFile: "\(etc)postern/postern.conf", encoding: .utf8)
        try configuration.write(
            settings.replacing("Crypttab /etc/", with: "Crypttab \(etc)"), to: "etc/postern/postern.conf")
        _ = try KeyPair(configuration.work, "etc/postern/ssh_host_key_1")
    }

    private func check(_ configuration: Configuration) throws -> Finished {
        try run(
            Configuration.agent, ["check", "-f", configuration.work.path("etc/postern/postern.conf")], timeout: 60)
    }

    /// Volumes of every kind, and settings with values of every kind.
    private static let manifold = #"""
        { lib, ... }: {
          boot.initrd.luks.devices = {
            crypt-root = { allowDiscards = true; bypassWorkqueues = true; tryEmptyPassphrase = true; };
            "swap+1" = { device = "/dev/disk/by-label/odd:name"; keyFile = "/etc/key"; keyFileSize = 32; keyFileOffset = 8; };
            "a.b=c@d#e" = { device = "UUID=8d103e45-0233-4756-899e-bf8892644701"; header = "/etc/header"; };
          };
          boot.initrd.postern.settings = {
            ListenAddress = [ "192.0.2.10" "[2001:db8::10]:22" ];
            Console = false;
            MaxAuthTries = 7;
            Volume = "swap+1 take";
          };
          boot.initrd.postern.arrays.odd.members = [ "a.b=c@d#e" ];
          boot.initrd.postern.authorizedKeys = [
            "restrict,command=\"status\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAsf61pU+Ljx4/YF8if/QMNmT8ERdAC9zktc4LZoIjnO daniel's phone"
          ];
        }
        """#

    @Test(arguments: ["{ }", manifold])
    func `in systemd stage 1 the agent has no finding`(_ more: String) throws {
        let configuration = try Configuration(with: more)
        let evaluated = try configuration.evaluated()
        #expect(evaluated.failed == [] && evaluated.warnings == [])
        try put(configuration, evaluated.contents)
        let end = try check(configuration)
        #expect(end.status == 0, "\(end)")
        let volumes = more == "{ }" ? 7 : 9
        #expect(end.out.contains("no findings; \(volumes) volumes, \(volumes == 7 ? 1 : 2) authorized keys, 1 host"))
    }

    @Test(arguments: ["{ }", manifold])
    func `in scripted stage 1 the script writes what the agent has no finding in`(_ more: String) throws {
        let configuration = try Configuration(["nas", "scripted"], with: more)
        let evaluated = try configuration.evaluated()
        #expect(evaluated.failed == [] && evaluated.warnings == [])
        let script = try ScriptedStage(configuration, evaluated)
        try script.agent("exit 0")
        let end = try script.run()
        #expect(end.status == 0, "\(end)")
        var files: [String: String] = [:]
        for name in ["postern.conf", "crypttab", "authorized_keys"] {
            files["/etc/postern/\(name)"] = try String(
                contentsOfFile: configuration.work.path("etc/postern/\(name)"), encoding: .utf8)
        }
        try? FileManager.default.removeItem(atPath: configuration.work.path("etc/postern/ssh_host_key_1"))
        try put(configuration, files)
        let checked = try check(configuration)
        #expect(checked.status == 0, "\(checked)")
        let volumes = more == "{ }" ? 7 : 9
        #expect(checked.out.contains("no findings; \(volumes) volumes"))
    }

    @Test func `a wrong setting is a finding`() throws {
        let configuration = try Configuration(with: "{ boot.initrd.postern.settings.ContinueTimeot = 5; }")
        try put(configuration, try configuration.evaluated().contents)
        let end = try check(configuration)
        #expect(end.status == 1 && end.out.contains("did you mean ContinueTimeout?"), "\(end)")
    }

    @Test func `authorized keys come from files, too`() throws {
        let configuration = try Configuration(
            with:
                "{ lib, ... }: { boot.initrd.postern = { authorizedKeys = lib.mkForce [ ]; authorizedKeyFiles = [ ./id.pub ]; }; }"
        )
        let key = try KeyPair(configuration.work, "id")
        let evaluated = try configuration.evaluated()
        #expect(evaluated.failed == [])
        let text = try String(contentsOfFile: key.path + ".pub", encoding: .utf8)
        #expect(evaluated.contents["/etc/postern/authorized_keys"] == text + "\n")
    }

    @Test func `authorized keys may be the text of a file with several lines`() throws {
        let evaluated = try Configuration(
            with: """
                { lib, ... }: { boot.initrd.postern.authorizedKeys = lib.mkForce [ "# mine\\nssh-ed25519 AAAA one\\nssh-rsa AAAA two\\n" ]; }
                """
        ).evaluated()
        #expect(evaluated.failed == [])
        #expect(
            evaluated.contents["/etc/postern/authorized_keys"] == "# mine\nssh-ed25519 AAAA one\nssh-rsa AAAA two\n\n")
    }

    @Test func `the package is what an overlay calls postern, where there is one, and is for arm64, too`() throws {
        let configuration = try Configuration()
        #expect(try configuration.evaluated().packageName == "postern")
        #expect(try configuration.evaluated("26.05", ["--arg", "overlaid", "true"]).packageName == "overlaid")
        let platforms: String = try string(
            """
            toString (import \(Configuration.nixos.path)/package.nix {
              lib = import \(Configuration.library);
              stdenvNoCC.mkDerivation = set: set;
              fetchurl = set: "";
            }).meta.platforms
            """)
        #expect(platforms == "x86_64-linux aarch64-linux")
    }

    @Test func `the package is the binary as it is, and refuses to be made of nothing`() throws {
        let work = try TemporaryFolder()
        func phase(_ name: String) throws -> String {
            try string(
                """
                (import \(Configuration.nixos.path)/package.nix {
                  lib = import \(Configuration.library);
                  stdenvNoCC.mkDerivation = set: set;
                  fetchurl = set: "fetched ${set.url} ${set.hash}";
                  \(name == "src" ? "url = \"u\"; hash = \"h\";" : "file = \"/x\";")
                }).\(name)
                """)
        }
        #expect(try phase("src") == "fetched u h")
        let script = try phase("installPhase") + (try phase("installCheckPhase"))
        let end = try run(
            "sh", ["-euc", script], environment: ["src": Configuration.agent, "out": work.path("out")], timeout: 60)
        #expect(end.status == 0 && end.out.hasPrefix("postern "), "\(end)")
        #expect(
            FileManager.default.contentsEqual(atPath: work.path("out/bin/postern"), andPath: Configuration.agent))
        let refused = try nix(
            """
            (import \(Configuration.nixos.path)/package.nix {
              lib = import \(Configuration.library);
              stdenvNoCC.mkDerivation = set: set;
              fetchurl = set: "";
            }).src
            """)
        #expect(refused.status != 0 && refused.err.contains("give package.nix the url and the hash of a release"))
    }
}
