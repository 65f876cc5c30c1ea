import Config
import Testing

/// What systemd-creds has made is told by its content.
@Suite struct SealedKeyTests {
    /// The beginning of what systemd-creds 257 has made with PCR 16.
    static let made = """
        DHzAexF2RZGcSwvqCLwg/iAAAAABAAAADAAAABAAAAARtYY4UuxwdiLYWoYAAAAAAAABAAAAAAALACM
        A8AAAACAAAAAAngAg7ZDCCf6bfbotPnQYOOx6dmznpm2irKIoUkEiqHqalBMAEMBnyeFTX/EkY2dsg8

        """

    @Test func `its PCRs stand in its header`() {
        #expect(SealedKey.problem(Array(Self.made.utf8)) == nil)
        #expect(SealedKey.registers(Array(Self.made.utf8)) == [16])
    }

    @Test(arguments: [
        "", "rubbish", String(SealedKeyTests.made.prefix(90)), "A" + SealedKeyTests.made,
        "-----BEGIN OPENSSH PRIVATE KEY-----\n" + SealedKeyTests.made,
    ])
    func `anything else is none`(text: String) {
        #expect(SealedKey.problem(Array(text.utf8)) == "this is no key that the TPM alone opens")
        #expect(SealedKey.registers(Array(text.utf8)) == nil)
    }

    @Test func `its name ends in .sealed, and the rest names the key`() {
        #expect(SealedKey.isName("/a/key.sealed") && !SealedKey.isName("/a/key") && !SealedKey.isName("sealed"))
        #expect(SealedKey.source(of: "/a/key.sealed") == "/a/key")
    }
}
