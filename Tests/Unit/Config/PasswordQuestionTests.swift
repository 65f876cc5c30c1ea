import Testing

@testable import Config

/// The files in which systemd's programs ask for passwords.
@Suite struct PasswordQuestionTests {
    /// As systemd 257 writes it.
    private static let text = """
        [Ask]
        PID=412
        Socket=/run/systemd/ask-password//sck.7c1fe9d9b4d1c3a6
        AcceptCached=1
        Echo=0
        NotAfter=0
        Silent=0
        Message=Please enter passphrase for disk (crypt-root):
        Icon=drive-harddisk
        Id=cryptsetup:/dev/disk/by-uuid/8d103e45-0233-4756-899e-bf8892644701

        """

    private func parse(_ text: String) -> PasswordQuestion? { PasswordQuestion.parse(Array(text.utf8)) }

    /// The file with one line in another form.
    private func parse(_ key: String, _ value: String) -> PasswordQuestion? {
        let lines = Self.text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.hasPrefix("\(key)=") ? "\(key)=\(value)" : String(line)
        }
        return parse(lines.joined(separator: "\n"))
    }

    @Test func `a question has its socket, its process, its end and its device`() {
        let question = parse(Self.text)
        #expect(
            question
                == PasswordQuestion(
                    socket: "/run/systemd/ask-password//sck.7c1fe9d9b4d1c3a6", process: 412, notAfter: 0,
                    subject: "/dev/disk/by-uuid/8d103e45-0233-4756-899e-bf8892644701"))
        #expect(question?.isOver(now: .max) == false)
        #expect(parse("Socket", "/run/systemd/ask-password/sck.1")?.socket == "/run/systemd/ask-password/sck.1")
        #expect(parse("NotAfter", "90000000")?.isOver(now: 89_999_999) == false)
        #expect(parse("NotAfter", "90000000")?.isOver(now: 90_000_000) == true)
    }

    @Test(arguments: [
        (#"cryptsetup:/dev/disk/by-partlabel/a\\x20b"#, #"/dev/disk/by-partlabel/a\x20b"#),
        (#"cryptsetup:/dev/disk/by-label/\xc3\xa4"#, "/dev/disk/by-label/\u{e4}"),
        (#"cryptsetup:/dev/disk/by-label/\303\244"#, "/dev/disk/by-label/\u{e4}"),
        (#"cryptsetup:/dev/mapper/it\'s"#, "/dev/mapper/it's"),
    ])
    func `the device is written as a string of C is`(value: String, device: String) {
        #expect(parse("Id", value)?.subject == device)
    }

    @Test(arguments: [
        // Others' questions, such as for a PIN, and Postern's own.
        ("Id", "postern"), ("Id", "cryptsetup"), ("Id", "cryptsetup:vda"), ("Id", "cryptsetup:"), ("Id", ""),
        ("Id", #"cryptsetup:/dev/\x2"#), ("Id", #"cryptsetup:/dev/\xgg"#), ("Id", #"cryptsetup:/dev/\n"#),
        ("Id", #"cryptsetup:/dev/\"#), ("Id", #"cryptsetup:/dev/\377"#), ("Id", #"cryptsetup:/dev/\39"#),
        // An answer goes to the folder of the questions alone.
        ("Socket", "/run/postern/no-socket"), ("Socket", "/run/systemd/ask-password/sck."),
        ("Socket", "/run/systemd/ask-password/sck.a/../../../x"), ("Socket", "@abstract"), ("Socket", ""),
        ("Socket", "/run/systemd/ask-password/sck.\(String(repeating: "a", count: 100))"),
        ("PID", "0"), ("PID", "-1"), ("PID", "4294967297"), ("PID", "x"), ("PID", ""),
        ("NotAfter", "-1"), ("NotAfter", "99999999999999999999"), ("NotAfter", ""),
    ])
    func `what is no question about a volume is none`(key: String, value: String) {
        #expect(parse(key, value) == nil)
    }

    /// As systemd 257 writes a question without `--id=`.
    private func asked(_ message: String, _ more: String = "") -> PasswordQuestion? {
        parse("[Ask]\nPID=412\nSocket=/run/systemd/ask-password/sck.1\nNotAfter=0\nMessage=\(message)\n\(more)")
    }

    @Test(arguments: [
        ("Encrypted ZFS password for rpool/ROOT/debian", "rpool/ROOT/debian"),
        ("Enter key for tank/home dirs:", "tank/home dirs"),
        ("Encrypted ZFS password for a-b_c.d:e", "a-b_c.d:e"),
    ])
    func `ZFS's scripts ask for a dataset by their words alone`(message: String, dataset: String) {
        #expect(asked(message)?.subject == dataset)
        // An id is somebody else's.
        #expect(asked(message, "Id=zfs:x\n") == nil)
        #expect(asked(message, "Id=cryptsetup:/dev/vda\n")?.subject == "/dev/vda")
    }

    @Test(arguments: [
        "", "Encrypted ZFS password for ", "Encrypted ZFS password for /dev/vda", "Enter key for a//b:",
        "Enter key for a/:",
        "Enter key for a@b:", "Enter key for é:", "Enter PIN for rpool", "Please enter passphrase for disk rpool",
        "Enter key for \(String(repeating: "a", count: 128)):",
    ])
    func `other words are no question about a dataset`(message: String) {
        #expect(asked(message) == nil)
    }

    @Test(arguments: ["PID", "Socket", "Id"]) func `a question lacks nothing that an answer needs`(key: String) {
        let lines = Self.text.split(separator: "\n").filter { !$0.hasPrefix("\(key)=") }
        #expect(parse(lines.joined(separator: "\n")) == nil)
    }

    @Test func `only the section Ask counts, and a file that is too long is none`() {
        #expect(parse("PID=1\n" + Self.text)?.process == 412)
        #expect(parse(Self.text + "[Else]\nPID=1\n")?.process == 412)
        #expect(parse(Self.text.replacing("[Ask]", with: "[Asks]")) == nil)
        let filler = String(repeating: "#", count: PasswordQuestion.largestFile - Self.text.utf8.count)
        #expect(parse(Self.text + filler) != nil)
        #expect(parse(Self.text + filler + "#") == nil)
        #expect(parse("") == nil)
    }
}
