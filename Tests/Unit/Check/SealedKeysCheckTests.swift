import Config
import ConfigFiles
import Foundation
import TestPeers
import Testing

@testable import Check

/// Whether the TPM opens the sealed host keys, and what will change that.
@Suite struct SealedKeysCheckTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try folder.write(
            """
            HostKey \(folder.path("key.sealed"))
            FallbackHostKey \(folder.path("fallback"))
            Crypttab /dev/null

            """, to: "postern.conf")
        // The beginning of what systemd-creds 257 has made with PCR 7.
        var header: [UInt8] = [
            0x0c, 0x7c, 0xc0, 0x7b, 0x11, 0x76, 0x45, 0x91, 0x9c, 0x4b, 0x0b, 0xea, 0x08, 0xbc, 0x20, 0xfe,
        ]
        for word in [32, 1, 12, 16] as [UInt8] { header += [word, 0, 0, 0] }
        header += [UInt8](repeating: 1, count: 12) + [0, 0, 0, 0] + [0x80, 0, 0, 0, 0, 0, 0, 0] + [11, 0]
        header += [UInt8](repeating: 2, count: 100)
        try folder.write(Data(header).base64EncodedString() + "\n", to: "key.sealed")
        _ = try KeyPair(folder, "fallback")
    }

    private func look(_ opens: ((String) -> String?)?) -> CheckReport {
        var report = CheckReport()
        SealedKeysCheck.look(
            Configuration(file: folder.path("postern.conf")), opening: opens, again: "build", into: &report)
        return report
    }

    @Test func `what the TPM opens is proved, with what ends it; what it does not is a finding`() {
        let report = look { _ in nil }
        #expect(report.findings.isEmpty)
        #expect(
            report.proofs.map { $0.text } == [
                "the TPM opens it now; it does while PCR 7 is as it is, "
                    + "which ends with Secure Boot that is switched on or off, or has other certificates"
            ])
        let shut = look { $0 == folder.path("key.sealed") ? "no" : nil }
        #expect(
            shut.findings.map { $0.description } == [
                "\(folder.path("key.sealed")): the TPM does not open it now: no; run: postern hostkey --seal, and: build"
            ])
        #expect(shut.proofs.isEmpty)
        #expect(look(nil).findings.isEmpty && look(nil).proofs.isEmpty)
    }

    @Test func `a fallback key that is the sealed one is a finding`() throws {
        try FileManager.default.copyItem(atPath: folder.path("fallback"), toPath: folder.path("key"))
        let finding = try #require(look(nil).findings.first)
        #expect(finding.file == folder.path("fallback"))
        #expect(finding.problem.hasPrefix("this is the key that is sealed in "))
    }
}
