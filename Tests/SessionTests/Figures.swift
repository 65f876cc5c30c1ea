import Foundation
import TestPeers
import Testing

/// Figures for the closing note of an issue: `POSTERN_FIGURES=1 swift test --filter Figures`.
extension SessionTests {
    @Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["POSTERN_FIGURES"] != nil)) struct Figures {
        @Test("a status over ssh", arguments: ["curve25519-sha256", "sntrup761x25519-sha512@openssh.com"])
        func times(keyExchange: String) throws {
            let bench = try Bench()
            let words = bench.options() + ["-o", "KexAlgorithms=\(keyExchange)", "root@127.0.0.1", "status"]
            let program = "for i in $(seq 25); do ssh \"$@\" >/dev/null </dev/null || exit; done"
            let environment = ["SSH_AUTH_SOCK": ""]
            _ = try run("sh", ["-c", "ssh \"$@\"", "sh"] + words, environment: environment)
            let end = try run("sh", ["-c", program, "sh"] + words, environment: environment, timeout: 120)
            #expect(end.status == 0, "\(end)")
            if ProcessInfo.processInfo.environment["POSTERN_STRACE"] != nil {
                _ = try run("strace", ["-r", "-o", "/tmp/client.strace", "ssh"] + words, environment: environment)
            }
            print("FIGURE ssh status, \(keyExchange): \(Int(end.seconds / 25 * 1_000_000)) microseconds")
        }

        @Test func residentMemory() throws {
            let bench = try Bench()
            let screen = try bench.terminal()
            #expect(screen.shows("Passphrase for root: "))
            let text = try String(contentsOfFile: "/proc/\(bench.monitor.processes[0])/status", encoding: .utf8)
            for line in text.split(separator: "\n") where line.hasPrefix("VmRSS") || line.hasPrefix("Rss") {
                print("FIGURE session \(line)")
            }
        }
    }
}
