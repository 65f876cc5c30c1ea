import Testing

/// What Notify lines make of the configuration.
@Suite struct NotifyTests {
    private static let certificates = "/etc/ssl/certs/ca-certificates.crt"

    private func evaluated(_ lines: String, _ base: [String] = ["nas"]) throws -> Evaluated {
        try Configuration(base, with: "{ boot.initrd.postern.settings.Notify = \(lines); }").evaluated()
    }

    @Test func `with https the initrd has curl and certificates, and the booted system tells the rest`() throws {
        let nas = try evaluated(#"[ "ntfy https://ntfy.example/nas" "http://192.0.2.1/" ]"#)
        #expect(nas.failed == [])
        #expect(
            nas.contents["/etc/postern/postern.conf"]?.contains(
                "\nNotify ntfy https://ntfy.example/nas\nNotify http://192.0.2.1/\n") == true)
        #expect(nas.programs.keys.sorted() == ["curl"] && nas.programs["curl"]?.hasSuffix("curl/bin/curl") == true)
        #expect(nas.contents[NotifyTests.certificates]?.hasSuffix("cacert/etc/ssl/certs/ca-bundle.crt") == true)
        #expect(nas.booted.count == 1)
        #expect(nas.booted["postern-notify"]?.hasSuffix("/bin/postern notify --pending") == true)
    }

    @Test func `without https the initrd has neither, and without Notify there is no unit`() throws {
        let nas = try evaluated(#""http://192.0.2.1/""#)
        #expect(nas.programs.isEmpty && nas.contents[NotifyTests.certificates] == nil && nas.booted.count == 1)
        let other = try Configuration().evaluated()
        #expect(other.programs.isEmpty && other.booted.isEmpty)
    }

    @Test func `scripted stage 1 has both, too`() throws {
        let nas = try evaluated(#""https://ntfy.example/nas""#, ["nas", "scripted"])
        #expect(nas.programs.isEmpty)
        #expect(nas.scripted.extraUtilsCommands.contains("curl/bin/curl\n"))
        #expect(nas.scripted.postCommands.contains("/share/ca-bundle.crt\" \(NotifyTests.certificates)\n"))
    }
}
