import Config
import Testing

@Suite struct SettingsTests {
    @Test func `an empty file means the defaults`() {
        let (settings, findings) = settings("\u{FEFF}# nothing\r\n\n \t\r\n")
        #expect(settings == Settings())
        #expect(findings.isEmpty)
        #expect(settings.ports == [2222])
        #expect(settings.hostKeysAreDefault)
    }

    @Test func `reads every keyword`() {
        let (settings, findings) = settings(
            """
            Port 22
            port = 2022
            LISTENADDRESS=[2001:DB8::0]:24\r
            ListenAddress 192.0.2.1
            HostKey "/etc/a key"   # a comment
            FallbackHostKey NONE
            AuthorizedKeysFile /a /b\\ c
            LoginGraceTime 1h30m
            MaxAuthTries 6
            MaxStartups 5:50:9
            KexAlgorithms +ecdh-sha2-nistp256
            Ciphers -aes*
            MACs -hmac-sha2-256,hmac-sha2-512
            Crypttab /run/crypttab
            Console /dev/ttyS0 /dev/tty1
            PermitShell yes
            Volume root take
            Volume "my data" LEAVE
            Array storage quorum=5 storage-* spare?
            Array keys any k
            ContinueTimeout 0
            Notify https://ntfy.example/nas?auth=a%20b
            Notify NTFY http://[2001:db8::1]:8080
            Notify slack https://user:secret@hooks.example:444/?x
            """)
        #expect(findings == [])
        #expect(settings.ports == [22, 2022])
        #expect(settings.listenAddresses.map(\.description) == ["[2001:db8::]:24", "192.0.2.1"])
        #expect(settings.hostKeys == ["/etc/a key"])
        #expect(!settings.hostKeysAreDefault)
        #expect(settings.fallbackHostKey == nil)
        #expect(settings.authorizedKeysFiles == ["/a", "/b c"])
        #expect(settings.loginGraceTime == 5400)
        #expect(settings.maxAuthTries == 6)
        #expect(settings.maxStartups == MaxStartups(start: 5, rate: 50, full: 9))
        #expect(settings.kexAlgorithms == AlgorithmSet.kex.defaults + ["ecdh-sha2-nistp256"])
        #expect(settings.ciphers == ["chacha20-poly1305@openssh.com"])
        #expect(settings.macs == ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"])
        #expect(settings.crypttab == "/run/crypttab")
        #expect(settings.console == .paths(["/dev/ttyS0", "/dev/tty1"]))
        #expect(settings.permitShell)
        #expect(settings.treatment(of: "root") == .take)
        #expect(settings.treatment(of: "my data") == .leave)
        #expect(settings.treatment(of: "other") == nil)
        #expect(settings.arrays.map(\.policy) == [.quorum(5), .any])
        #expect(settings.arrays[0].holds("storage-7"))
        #expect(!settings.arrays[0].holds("storage"))
        #expect(settings.continueTimeout == 0)
        #expect(settings.notify.map(\.form) == [.json, .ntfy, .slack])
        #expect(
            settings.notify.map(\.title) == ["json ntfy.example", "ntfy [2001:db8::1]:8080", "slack hooks.example:444"])
        #expect(settings.notify.map(\.path) == ["/nas?auth=a%20b", "/", "/?x"])
        #expect(settings.notify.map { $0.address?.description } == [nil, "[2001:db8::1]:8080", nil])
    }

    /// The line stands second, between two good ones.
    @Test(
        arguments: [
            ("Prot 22", "unknown keyword \"Prot\", and the line is left out; did you mean Port?"),
            ("Frobnicate 1", "unknown keyword \"Frobnicate\", and the line is left out; remove the line, or see"),
            ("Include /etc/x", "unknown keyword \"Include\", and the line is left out; put the lines"),
            ("PasswordAuthentication no", "the line is left out; remove the line: Postern takes public keys only"),
            ("Port", "Port has no value; write it after the keyword"),
            ("Port # 22", "Port has no value"),
            ("Port 22 23", "Port has 2 values, and the line is left out; write one line for each"),
            ("Port 0", "Port \"0\" is no port"),
            ("Port 65536", "Port \"65536\" is no port"),
            ("Port 99999999999999999999", "is no port"),
            ("Port +1", "is no port"),
            ("Port \"22", "a quote is not closed"),
            ("ListenAddress localhost", "is no numeric address, and the line is left out; write it like 192.0.2.1"),
            ("ListenAddress [::1", "is no numeric address"),
            ("ListenAddress [::1]22", "is no numeric address"),
            ("ListenAddress 192.0.2.1:0", "is no numeric address"),
            ("ListenAddress 192.0.2.1:", "is no numeric address"),
            ("ListenAddress fe80::1%eth0", "is no numeric address"),
            ("HostKey id_rsa", "HostKey \"id_rsa\" is no absolute path"),
            ("FallbackHostKey key", "FallbackHostKey \"key\" is no absolute path"),
            ("FallbackHostKey /k.sealed", "FallbackHostKey \"/k.sealed\" is a sealed key"),
            ("AuthorizedKeysFile .ssh/authorized_keys", "is no absolute path"),
            ("AuthorizedKeysFile /etc/keys/%u", "has a token of sshd"),
            ("LoginGraceTime 0", "LoginGraceTime \"0\" is no time it can have"),
            ("LoginGraceTime -1", "is no time it can have"),
            ("LoginGraceTime 1y", "is no time it can have"),
            ("LoginGraceTime 2d", "is no time it can have"),
            ("MaxAuthTries 0", "is no number it can be"),
            ("UnusedConnectionTimeout 0", "is no time it can have"),
            ("ImageTime soon", "ImageTime \"soon\" is no number of seconds since 1970"),
            ("MaxStartups 10:0:100", "is not understood"),
            ("MaxStartups 10:30:5", "is not understood"),
            ("MaxStartups 10:30", "is not understood"),
            ("MaxStartups 10:30:201", "FULL at most 200"),
            (
                "Ciphers aes128-cbc,aes128-ctr",
                "Ciphers has no algorithm \"aes128-cbc\", and the name is left out; did you"
            ),
            ("MACs none", "MACs leaves no algorithm, and the defaults hold"),
            ("Console tty0", "is no terminal"),
            ("Console yes /dev/tty0", "Console \"yes\" is no terminal"),
            ("PermitShell maybe", "is neither yes nor no"),
            ("Volume root", "Volume has 1 values and takes two"),
            ("Volume root keep", "is neither take nor leave nor fallback"),
            ("Volume a/b take", "the volume name \"a/b\" contains a slash"),
            ("Dataset /dev/vda", "Dataset \"/dev/vda\" is no name of a dataset"),
            ("Dataset rpool/", "is no name of a dataset"),
            ("Dataset rpool@now", "is no name of a dataset"),
            ("Dataset 'rpool/ a'", "is no name of a dataset"),
            ("Dataset a b", "Dataset has 2 values"),
            ("Array storage all", "Array \"storage\" has no members"),
            ("Array storage", "Array \"storage\" has no members"),
            ("Array storage most a b", "the policy \"most\" is not understood"),
            ("Array storage quorum=0 a", "the policy \"quorum=0\" is not understood"),
            ("Array storage quorum=3 a b", "quorum=3 can never be met by 2 members"),
            ("Array .. all a", "the array name \"..\" cannot be"),
            ("Array s all a b/c", "the member \"b/c\" contains a slash"),
            (
                "Notify ntfy.example",
                "Notify has a URL that it cannot use, and the line is left out; write https://HOST"
            ),
            ("Notify https://", "Notify has a URL that it cannot use"),
            ("Notify https://user@/x", "Notify has a URL that it cannot use"),
            ("Notify https://a/#b", "Notify has a URL that it cannot use"),
            ("Notify 'https://a/ b'", "Notify has a URL that it cannot use"),
            ("Notify https://a/\\\\", "Notify has a URL that it cannot use"),
            ("Notify https://é/", "Notify has a URL that it cannot use"),
            ("Notify http://ntfy.example/", "or http:// with a numeric address"),
            ("Notify http://user@192.0.2.1/", "Notify has a URL that it cannot use"),
            ("Notify http://192.0.2.1:0/", "Notify has a URL that it cannot use"),
            ("Notify https://a/" + String(repeating: "a", count: 1015), "within 1024 bytes"),
            (
                "Notify https://a/secret ntfy",
                "Notify is not understood, and the line is left out; write Notify URL"
            ),
            ("Notify ntfy https://a/ b", "Notify is not understood"),
            ("Console \u{1B}[2J", "the line holds a control character (number 27)"),
            ("Console \u{9B}2J", "the line holds a control character (number 155)"),
            ("Port 1\0", "the line holds a zero byte"),
            (
                "Port " + String(repeating: "1", count: 4096),
                "the line has 4101 bytes and is left out; keep it under 4097"
            ),
        ])
    func `a line that is not understood costs only itself, and says what to write`(line: String, finding: String) {
        let (read, findings) = settings("Crypttab /a\n\(line)\nContinueTimeout 7\n")
        #expect(read.crypttab == "/a")
        #expect(read.continueTimeout == 7)
        #expect(!findings.isEmpty)
        #expect(findings.allSatisfy { $0.hasPrefix("postern.conf:2: ") })
        #expect(findings.contains { $0.contains(finding) }, "\(findings)")
        var rest = read
        rest.crypttab = "/etc/crypttab"
        rest.continueTimeout = 60
        if !line.hasPrefix("Ciphers") { #expect(rest == Settings()) }
    }

    @Test func `a line that is not UTF-8 is a finding`() {
        var findings: [Finding] = []
        let read = Settings.parse(Array("Crypttab /\u{E9}".utf8.dropLast()), file: "f", into: &findings)
        #expect(read == Settings())
        #expect(findings.map(\.problem) == ["the line is not UTF-8 and is left out"])
    }

    @Test(
        arguments: [
            ("MaxAuthTries 3\nMaxAuthTries 4", "postern.conf:2: MaxAuthTries was given in line 1 already"),
            ("MaxAuthTries 3\nPort 5\nPort 5", "postern.conf:3: Port 5 is given twice"),
            ("MaxAuthTries 3\nHostKey /a\nHostKey /a", "HostKey \"/a\" is given twice"),
            ("MaxAuthTries 3\nListenAddress ::\nListenAddress [::]", "ListenAddress [::] is given twice"),
            ("MaxAuthTries 3\nVolume a take\nVolume a leave", "Volume \"a\" is given twice"),
            ("MaxAuthTries 3\nArray a all b\nArray a any c", "Array \"a\" is given twice"),
        ])
    func `the first value holds, and the second is a finding`(text: String, finding: String) {
        let (read, findings) = settings(text)
        #expect(read.maxAuthTries == 3)
        #expect(findings.count == 1)
        #expect(findings[0].contains(finding))
    }

    @Test func `a wrong value does not hold against a right one`() {
        #expect(settings("MaxAuthTries x\nMaxAuthTries 4").settings.maxAuthTries == 4)
        #expect(settings("Port 0\nPort 4").settings.ports == [4])
    }

    @Test func `nothing after a match is taken`() {
        let (read, findings) = settings("Port 1\nMatch Address 192.0.2.1\n  PermitShell yes\n")
        #expect(read.ports == [1])
        #expect(!read.permitShell)
        #expect(findings.count == 1)
        #expect(findings[0].hasPrefix("postern.conf:2: Match is not supported, and the rest of the file is left out"))
    }

    @Test func `one number of MaxStartups is the limit`() {
        #expect(settings("MaxStartups 7").settings.maxStartups == MaxStartups(start: 7, rate: 100, full: 7))
    }

    @Test(
        arguments: [
            ("aes128-ctr,aes256-ctr", ["aes128-ctr", "aes256-ctr"]),
            ("aes128-ctr,aes128-ctr", ["aes128-ctr"]),
            ("^aes128-ctr", ["aes128-ctr"] + AlgorithmSet.ciphers.defaults.filter { $0 != "aes128-ctr" }),
            ("+aes128-ctr", AlgorithmSet.ciphers.defaults),
            ("-*-ctr", ["chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com"]),
        ])
    func `a list of algorithms has sshd_config's meaning`(value: String, names: [String]) {
        let (read, findings) = settings("Ciphers \(value)")
        #expect(read.ciphers == names)
        #expect(findings.isEmpty)
    }

    @Test func `a file of rubbish is reported in bounds`() {
        let (_, findings) = settings(String(repeating: "x\n", count: 5000))
        #expect(findings.count == FileLimits.findings + 1)
        #expect(findings.last == "postern.conf: 4900 more problems are not listed; mend the ones above and look again")
    }

    @Test func `what lies beyond the limit is not read`() {
        let line = "# " + String(repeating: "x", count: 1000) + "\n"
        let (read, findings) = settings(String(repeating: line, count: 1100) + "Port 1\n")
        #expect(read == Settings())
        #expect(findings.count == 1)
        #expect(findings[0].hasPrefix("postern.conf: the file has 1103307 bytes, and what follows the first 1048"))
    }
}
