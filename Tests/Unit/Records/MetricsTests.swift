import Foundation
import TestPeers
import Testing
import Wire

@testable import Records

/// The file for Prometheus.
@Suite struct MetricsTests {
    private static let promtool = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .map { "\($0)/promtool" }.first { FileManager.default.isExecutableFile(atPath: $0) }

    /// A boot with some of everything.
    static var some: Metrics {
        var metrics = Metrics()
        metrics.waiting = 754_321
        metrics.right = 1
        metrics.wrong = 3
        metrics.volumes = [
            Metrics.Volume("crypt-root", .open), Metrics.Volume("storage-1", .trying),
            Metrics.Volume("storage-2", .deviceMissing), Metrics.Volume("storage-3", .deviceMissing),
        ]
        metrics.arrays = [Metrics.Count("storage", 3)]
        for key in ["SHA256:alice", "SHA256:bob", "SHA256:alice"] { metrics.countLogin(key) }
        return metrics
    }

    /// Without the lines of comment.
    private func values(_ metrics: Metrics) -> [String] {
        metrics.text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
    }

    @Test func `it has the wait, passphrases, volumes, missing members, and logins by key`() {
        #expect(
            values(MetricsTests.some) == [
                "postern_waiting_seconds 754.3", "postern_boot_continues 0",
                #"postern_passphrases_total{result="right"} 1"#, #"postern_passphrases_total{result="wrong"} 3"#,
                #"postern_passphrases_total{result="failed"} 0"#,
                #"postern_volumes{state="device-missing"} 2"#, #"postern_volumes{state="checking"} 0"#,
                #"postern_volumes{state="locked"} 0"#, #"postern_volumes{state="waiting-for-key"} 0"#,
                #"postern_volumes{state="queued"} 0"#, #"postern_volumes{state="trying"} 1"#,
                #"postern_volumes{state="open"} 1"#, #"postern_volumes{state="failed"} 0"#,
                #"postern_volumes{state="left"} 0"#, #"postern_volumes{state="unattended"} 0"#,
                #"postern_volume_open{volume="crypt-root"} 1"#, #"postern_volume_open{volume="storage-1"} 0"#,
                #"postern_volume_open{volume="storage-2"} 0"#, #"postern_volume_open{volume="storage-3"} 0"#,
                #"postern_array_members_missing{array="storage"} 3"#,
                #"postern_logins_total{key="SHA256:alice"} 2"#, #"postern_logins_total{key="SHA256:bob"} 1"#,
            ])
        var metrics = MetricsTests.some
        metrics.continues = true
        #expect(values(metrics).contains("postern_boot_continues 1"))
    }

    @Test func `a metric without a value has no head, and a series that would come twice comes once`() {
        var metrics = Metrics()
        for name in ["volume_open", "array_members_missing", "logins_total"] {
            #expect(!metrics.text.contains("postern_\(name)"))
        }
        metrics.arrays = [Metrics.Count("storage", 1), Metrics.Count("storage", 2)]
        #expect(
            values(metrics).filter { $0.contains("array") } == [#"postern_array_members_missing{array="storage"} 1"#])
    }

    @Test(
        .enabled(if: promtool != nil, "it takes promtool (Debian's package prometheus)"),
        arguments: [
            some, Metrics(),
            {
                var metrics = some
                let names = ["a\"b", "c\\d", "e\nf\u{1B}[2J", "größe 漢字", "\u{9B}", "{x=\"y\"} 1", "", "a\"b"]
                metrics.volumes = names.map { Metrics.Volume($0, .left) }
                metrics.arrays = names.map { Metrics.Count($0, 1) }
                names.forEach { metrics.countLogin($0) }
                return metrics
            }(),
        ])
    func `promtool takes it, and has nothing to find fault with`(metrics: Metrics) throws {
        let end = try run(try #require(MetricsTests.promtool), ["check", "metrics"], input: .text(metrics.text))
        #expect(end.status == 0 && end.out.isEmpty && end.err.isEmpty, "\(end)\n\(metrics.text)")
        #expect(metrics.text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 })
        // It does find fault with what is none.
        let wrong = try run(
            try #require(MetricsTests.promtool), ["check", "metrics"],
            input: .text(metrics.text + metrics.text))
        #expect(wrong.status != 0)
    }
}
