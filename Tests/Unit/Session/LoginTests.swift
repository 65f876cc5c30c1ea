import Foundation
import TestPeers
import Testing
import Wire

/// Who gets in.
extension SessionTests {
    @Suite(.serialized) struct LoginTests {
        @Test(
            arguments: [
                ("ed25519", nil), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("rsa", 2048), ("rsa", 4096),
            ] as [(String, Int?)])
        func `each kind of key logs in`(type: String, bits: Int?) throws {
            let folder = try TemporaryFolder()
            let key = try KeyPair(folder, "key", type: type, bits: bits)
            let bench = try Bench(keys: [key.usable(index: 3)])
            #expect(try bench.ssh(["status"], identity: key.path).status == 0, "\(bench.monitor.events)")
            #expect(bench.monitor.saw { if case .authenticated(3, "root") = $0 { true } else { false } })
        }

        @Test func `an unknown key is refused at once`() throws {
            let bench = try Bench()
            let stranger = try KeyPair(bench.folder, "stranger")
            let end = try bench.ssh(["status"], identity: stranger.path)
            #expect(end.status == 255)
            #expect(end.err.contains("Permission denied (publickey)"))
            #expect(!bench.monitor.logs.contains { $0.hasPrefix("no login within") })
            #expect(bench.monitor.exitStatus() == 0)
        }

        @Test func `a key with a refusal is logged and the next one works`() throws {
            let folder = try TemporaryFolder()
            let refused = try KeyPair(folder, "refused")
            let good = try KeyPair(folder, "good")
            let bench = try Bench(keys: [refused.usable(index: 0, rule: 1), good.usable(index: 1, rule: 0)]) { setup in
                setup.rules.refusals = ["", "its from= does not allow 10.0.0.1"]
            }
            #expect(try bench.ssh(["status"], options: ["-i", refused.path], identity: refused.path).status == 255)
            let end = try bench.ssh(["status"], options: ["-i", good.path], identity: refused.path)
            #expect(end.status == 0, "\(end)")
            #expect(bench.monitor.logs.contains("key test 0 was refused: its from= does not allow 10.0.0.1"))
        }

        @Test func `a certificate is refused and the next key works`() throws {
            let bench = try Bench()
            let authority = try KeyPair(bench.folder, "authority")
            let certified = try KeyPair(bench.folder, "certified")
            let signed = try run(
                "ssh-keygen", ["-q", "-s", authority.path, "-I", "id", "-n", "root", certified.path + ".pub"])
            #expect(signed.status == 0)
            bench.monitor.setup.rules.keys = [certified.usable(index: 0), bench.key.usable(index: 1)]
            let certificate = certified.path + "-cert.pub"
            // The certificate alone: the plain key it is over would log in.
            let alone = try bench.ssh(
                ["status"],
                options: [
                    "-o", "CertificateFile=\(certificate)", "-o", "PubkeyAcceptedAlgorithms=*-cert-v01@openssh.com",
                ],
                identity: certified.path)
            #expect(alone.status == 255)
            #expect(!bench.monitor.logs.contains { $0.hasPrefix("no login within") })
            #expect(bench.monitor.logs.contains("a certificate was refused"))
            let next = try bench.ssh(
                ["status"], options: ["-o", "CertificateFile=\(certificate)", "-i", bench.key.path],
                identity: certified.path)
            #expect(next.status == 0, "\(next)")
        }

        @Test func `a key that libssh cannot parse is refused and the next one works`() throws {
            let folder = try TemporaryFolder()
            let dsa = try KeyPair(folder, "dsa", type: "dsa")
            let good = try KeyPair(folder, "good")
            let bench = try Bench(keys: [dsa.usable(index: 0), good.usable(index: 1)])
            let end = try bench.ssh(
                ["status"], options: ["-o", "PubkeyAcceptedAlgorithms=+ssh-dss", "-i", good.path],
                identity: dsa.path)
            #expect(end.status == 0, "\(end)")
            #expect(bench.monitor.logs.contains { $0.contains("it was to sign with ssh-dss") })
        }

        @Test func `seventeen strangers' keys do not lock out the eighteenth`() throws {
            let folder = try TemporaryFolder()
            let strangers = try (0..<19).map { try KeyPair(folder, "stranger-\($0)") }
            let bench = try Bench()
            let identities = (strangers + [bench.key]).flatMap { ["-i", $0.path] }
            let end = try bench.ssh(["status"], options: identities, identity: strangers[0].path)
            #expect(end.status == 0, "\(end)")
            // One more refusal than that is one too many.
            bench.monitor.setup.rules.maxAuthTries = 19
            let late = try bench.ssh(["status"], options: identities, identity: strangers[0].path)
            #expect(late.status == 255)
            #expect(late.err.contains("Too many authentication failures"), "\(late)")
        }

        @Test func `a forced command replaces what was asked for`() throws {
            let bench = try Bench()
            bench.monitor.setup.rules.keys = [bench.key.usable(forcedCommand: "status --json")]
            let end = try bench.ssh(["unlock"])
            #expect(end.status == 0)
            #expect(end.out.hasPrefix("{"))
        }

        @Test func `a key without terminal gets none`() throws {
            let bench = try Bench()
            bench.monitor.setup.rules.keys = [bench.key.usable(permitsTerminal: false)]
            // OpenSSH's client then goes away by itself.
            #expect(try bench.ssh(["status"], options: ["-tt"]).err.contains("PTY allocation request failed"))
            #expect(bench.monitor.events.allSatisfy { if case .open(_, _, true) = $0 { false } else { true } })
            #expect(try bench.ssh(["status"], options: ["-T"]).status == 0)
        }

        @Test func `a stranger is sent away in time`() throws {
            let bench = try Bench { $0.loginGraceTime = 1 }
            let stranger = try Stranger(port: bench.monitor.port)
            #expect(try #require(stranger.readToEnd(timeout: 90)).hasPrefix("SSH-2.0-"))
            #expect(bench.monitor.exitStatus() == 0)
            #expect(bench.monitor.logs.contains("no login within 1 seconds"))
        }

        @Test(
            arguments: [
                "GET / HTTP/1.0\r\n\r\n", "SSH-1.5-old\r\n", String(repeating: "x", count: 5000),
                "SSH-2.0-x\r\n" + String(repeating: "\u{7F}", count: 5000),
            ])
        func `garbage ends the session`(garbage: String) throws {
            let bench = try Bench()
            let stranger = try Stranger(port: bench.monitor.port)
            stranger.send(garbage)
            #expect(stranger.readToEnd(timeout: 90) != nil)
            #expect(bench.monitor.exitStatus() == 0, "\(bench.monitor.events)")
            #expect(bench.monitor.logs.count == 1 && bench.monitor.logs[0].hasPrefix("no login: "))
        }

        @Test func `algorithms that nobody has do not lock out`() throws {
            let bench = try Bench { $0.ciphers = "rot13" }
            #expect(try bench.ssh(["status"]).status == 0)
            #expect(bench.monitor.logs.contains { $0.hasPrefix("Ciphers rot13") })
        }

        @Test func `chosen algorithms are used`() throws {
            let bench = try Bench {
                $0.keyExchange = "curve25519-sha256"
                $0.ciphers = "aes256-ctr"
                $0.macs = "hmac-sha2-512-etm@openssh.com"
            }
            let end = try bench.ssh(["status"], options: ["-v", "-o", "LogLevel=DEBUG1"])
            #expect(end.status == 0)
            #expect(end.err.contains("kex: algorithm: curve25519-sha256"))
            #expect(end.err.contains("cipher: aes256-ctr MAC: hmac-sha2-512-etm@openssh.com"))
        }

        @Test func `fifty logins in a row`() throws {
            let bench = try Bench()
            for _ in 0..<50 {
                let end = try bench.ssh(["status"], options: ["-o", "KexAlgorithms=curve25519-sha256"])
                #expect(end.status == 0 && end.out.contains("nas") && end.err == "", "\(end)")
            }
        }
    }
}
