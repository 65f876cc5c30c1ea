import Foundation
import TestImages
import TestPeers
import Testing

/// `postern check` tries key files, and a passphrase that it is given, on the real key slots.
@Suite struct KeyTrialTests {
    private let materials: Materials
    private let folder: TemporaryFolder
    private let place: Workplace

    init() throws {
        materials = try Materials.made.get()
        folder = try TemporaryFolder()
        place = try Workplace()
        try folder.write(
            """
            Crypttab \(folder.path("crypttab"))
            AuthorizedKeysFile \(folder.path("authorized_keys"))
            HostKey \(materials.host[0].path)
            """, to: "postern.conf")
        try folder.write(try materials.alice.line(), to: "authorized_keys")
    }

    private func check(_ words: String..., crypttab: String, input: Input = .nothing) throws -> Finished {
        try folder.write(crypttab, to: "crypttab")
        return try run(
            try Rehearsal.binary(), ["check", "-f", folder.path("postern.conf")] + words, input: input,
            timeout: patience)
    }

    private struct Volume: Decodable {
        let name, opener, reason: String
        let luks: Int
        let ciphers: [String]
        let key_file, passphrase: String?
    }

    private func volumes(_ end: Finished) throws -> [Volume] {
        struct Object: Decodable { let volumes: [Volume] }
        return try JSONDecoder().decode(Object.self, from: Data(end.out.utf8)).volumes
    }

    // MARK: Key files

    @Test func `key files open their members, with offset, size, slot and header heeded`() throws {
        try place.shell(
            "printf 'abcdnot much of a keyefgh' >part; printf 'not much of a key' >key; truncate -s 20M head")
        let apart = try place.format("apart", passphrase: "not much of a key", options: "--header head")
        let second = try place.format("second")
        try place.shell("printf 1234 | cryptsetup luksAddKey -q \(cheap) --key-slot 3 second key")
        let end = try check(
            "--json",
            crypttab: """
                member-1 \(materials.members[0]) \(place.file("key")) luks
                member-2 \(materials.members[1]) \(place.file("part")) luks,keyfile-offset=4,keyfile-size=17
                apart \(apart) \(place.file("key")) luks,header=\(place.file("head"))
                second \(second) \(place.file("key")) luks,key-slot=3
                swap /dev/none /dev/urandom swap
                """)
        #expect(end.status == 0, "\(end)")
        let volumes = try volumes(end)
        #expect(volumes.map(\.key_file) == ["opens", "opens", "opens", "opens", nil], "\(end)")
        #expect(volumes.map(\.opener) == ["postern", "postern", "postern", "postern", "native"], "\(end)")
        #expect(volumes[0].luks == 2 && volumes[0].ciphers == ["aes-xts-plain64"] && volumes[4].luks == 0, "\(end)")
    }

    @Test func `a key file that was changed is a finding that names the member, and is not tried by --quick`() throws {
        try place.shell("printf 'not much of a key' >key; printf 'no key' >changed")
        let second = try place.format("second")
        try place.shell("printf 1234 | cryptsetup luksAddKey -q \(cheap) --key-slot 3 second key")
        let crypttab = """
            member-1 \(materials.members[0]) \(place.file("key")) luks
            member-2 \(materials.members[1]) \(place.file("changed")) luks
            second \(second) \(place.file("key")) luks,key-slot=0
            """
        let before = try place.shell("sha256sum second \(materials.members[1])")
        let end = try check(crypttab: crypttab)
        #expect(end.status == 1, "\(end)")
        let lines = end.out.split(separator: "\n")
        #expect(lines.count == 3, "\(end)")
        let changed =
            "\(folder.path("crypttab")):2: the key file \(place.file("changed")) opens no key slot of member-2; "
        #expect(lines.first?.hasPrefix(changed) == true && end.out.contains("cryptsetup luksAddKey"), "\(end)")
        let slot =
            "\(folder.path("crypttab")):3: the key file \(place.file("key")) does not open the key slot 0 of second; "
        #expect(lines.dropFirst().first?.hasPrefix(slot) == true, "\(end)")
        #expect(try place.shell("sha256sum second \(materials.members[1])") == before)
        #expect(try check("--quick", crypttab: crypttab).status == 0)
    }

    @Test func `a key volume that is not mounted is a notice`() throws {
        let end = try check(
            crypttab: """
                member-1 \(materials.members[0]) /keyfile:LABEL=postern-nowhere luks
                member-2 \(materials.members[1]) /keyfile:LABEL=postern-nowhere luks
                """)
        #expect(end.status == 0, "\(end)")
        let notice =
            "notice: \(folder.path("crypttab")): the key file was not tried, for its key volume "
            + "LABEL=postern-nowhere is not mounted now: member-1, member-2; mount it read-only, and check again\n"
        #expect(end.out.hasPrefix(notice), "\(end)")
        let volumes = try volumes(
            check("--json", crypttab: "member-1 \(materials.members[0]) /keyfile:LABEL=postern-nowhere luks"))
        #expect(volumes.map(\.key_file) == ["not-tried"])
    }

    @Test func `a volume whose header is not to be read here is a notice that says how to try it`() throws {
        try place.shell("printf 'not much of a key' >key; truncate -s 20M head")
        let apart = try place.format("apart", passphrase: "not much of a key", options: "--header head")
        let crypttab = """
            elsewhere \(apart) none luks,header=/boot/head:LABEL=postern-nowhere
            gone \(apart) \(place.file("key")) luks,header=\(place.file("gone"))
            late \(apart) none luks,noauto,header=/boot/head:LABEL=postern-nowhere

            """
        let end = try check(crypttab: crypttab)
        #expect(end.status == 0, "\(end)")
        let lines = end.out.split(separator: "\n").map { String($0) }
        try #require(lines.count == 3, "\(end)")
        let file = "notice: \(folder.path("crypttab")):"
        #expect(
            lines[0] == file + "1: no key of elsewhere was tried, for its header /boot/head lies on "
                + "LABEL=postern-nowhere, from where the native opener takes it; mount that read-only, and run: "
                + "cryptsetup open --test-passphrase --header FILE \(apart)")
        #expect(
            lines[1] == file + "2: no key of gone was tried, for its header \(place.file("gone")) "
                + "cannot be read here; put a copy of it there, and check again")
        #expect(try check("--quick", crypttab: crypttab).out.contains("was tried") == false)
        // And that command does it.
        try place.shell("printf 'not much of a key' | cryptsetup open --test-passphrase --header head \(apart)")
    }

    /// Whatever file system the test's files lie on.
    @Test func `a key file on a key volume that is mounted is tried`() throws {
        try place.shell("printf 'not much of a key' >key; printf 'no key' >changed")
        let found = try run("findmnt", ["-no", "SOURCE,TARGET,FSROOT", "-T", place.path])
        let words = found.out.split(whereSeparator: { $0 == " " || $0 == "\n" }).map { String($0) }
        try #require(words.count == 3 && words[0].hasPrefix("/dev/") && words[2] == "/", "\(found)")
        func path(_ name: String) -> String { "/" + place.file(name).dropFirst(words[1].count).drop { $0 == "/" } }
        let end = try check(
            crypttab: """
                member-1 \(materials.members[0]) \(path("key")):\(words[0]) luks
                member-2 \(materials.members[1]) \(path("changed")):\(words[0]) luks
                member-3 \(materials.members[2]) \(path("gone")):\(words[0]) luks
                """)
        #expect(end.status == 1, "\(end)")
        let lines = end.out.split(separator: "\n")
        #expect(lines.count == 3, "\(end)")
        #expect(
            end.out.contains(":2: the key file \(path("changed")) on \(words[0]) opens no key slot of member-2; "),
            "\(end)")
        #expect(end.out.contains(":3: key file \(path("gone")) in \(words[1]): No such file or directory"), "\(end)")
    }

    /// A volume whose key takes years to derive.
    private func endless(_ name: String) throws -> String {
        let volume = try place.format(name)
        try place.forge(name) { $0.replacing("\"iterations\":1000,", with: "\"iterations\":4000000000,") }
        return volume
    }

    @Test func `what takes too long is named as not tried`() throws {
        try place.shell("printf 1234 >key")
        let end = try check(
            crypttab: """
                slow \(try endless("slow")) \(place.file("key")) luks
                member-1 \(materials.members[0]) \(place.file("key")) luks
                """)
        #expect(end.status == 1 && end.seconds < 60, "\(end)")
        #expect(
            end.out.contains("the key file was not tried, for want of time: slow; run: postern check --images"),
            "\(end)")
        #expect(end.out.contains("opens no key slot of member-1"), "\(end)")
    }

    @Test func `an interrupt ends it and its workers`() throws {
        try place.shell("printf 1234 >key")
        try folder.write("slow \(try endless("slow")) \(place.file("key")) luks\n", to: "crypttab")
        let terminal = try Pseudoterminal(
            try Rehearsal.binary(), ["check", "--images", "-f", folder.path("postern.conf")])
        func children() -> String {
            (try? String(contentsOfFile: "/proc/\(terminal.process)/task/\(terminal.process)/children", encoding: .utf8))
                ?? ""
        }
        let end = Date().addingTimeInterval(patience)
        while children().isEmpty, Date() < end { usleep(10_000) }
        let worker = try #require(Int32(children().split(separator: " ").first ?? ""))
        terminal.type("\u{3}")
        #expect(terminal.wait(timeout: patience) == 130)
        #expect(kill(worker, 0) == -1)
    }

    // MARK: A passphrase

    private var table: String {
        """
        root \(materials.root) none luks
        data \(materials.data) none luks
        member-1 \(materials.members[0]) \(place.file("key")) luks
        swap /dev/none /dev/urandom swap

        """
    }

    @Test(arguments: ["\n", "\r\n", "", "\nmore"])
    func `--passphrase says which volumes it opens`(end: String) throws {
        try place.shell("printf 'not much of a key' >key")
        let checked = try check("--passphrase", crypttab: table, input: .text(Materials.passphrase + end))
        #expect(checked.status == 0 && checked.err == "", "\(checked)")
        let lines = checked.out.split(separator: "\n")
        #expect(lines.count == 5, "\(checked)")
        for (line, words) in zip(
            lines,
            [
                "root: Postern opens it; LUKS2, aes-xts-plain64; a passphrase is asked for; the passphrase opens it",
                "data: Postern opens it; LUKS2, aes-xts-plain64; a passphrase is asked for; the passphrase does not open it",
                "member-1: Postern opens it; LUKS2, aes-xts-plain64; its key file opens it; the passphrase opens it",
                "swap: left to the native opener, for swap volumes belong to the native opener",
            ])
        { #expect(line == words) }
        let object = try check("--passphrase", "--json", crypttab: table, input: .text(Materials.other))
        #expect(object.status == 0, "\(object)")
        #expect(try volumes(object).map(\.passphrase) == ["does-not-open", "opens", "does-not-open", nil], "\(object)")
    }

    @Test func `a passphrase that opens nothing is a finding`() throws {
        try place.shell("printf 'not much of a key' >key")
        let end = try check("--passphrase", crypttab: table, input: .text("wrong\n"))
        #expect(end.status == 1, "\(end)")
        #expect(end.out.contains("\npassphrase: it opens no volume of this machine; try another one\n"), "\(end)")
        #expect(!end.out.contains("wrong") && !end.err.contains("wrong"))
        let none = try check("--passphrase", crypttab: "root /gone none luks\n", input: .text("wrong\n"))
        #expect(none.status == 1 && none.out.contains("passphrase: no volume is here to try it on; "), "\(none)")
    }

    @Test func `a passphrase that was tried on nothing is a finding`() throws {
        let end = try check("--passphrase", crypttab: "slow \(try endless("slow")) none luks\n", input: .text("1234\n"))
        #expect(end.status == 1, "\(end)")
        #expect(end.out.contains("the passphrase was not tried on slow, for want of time"), "\(end)")
        #expect(end.out.contains("\npassphrase: it was tried on no volume; see the notices"), "\(end)")
    }

    @Test(arguments: [
        ("", "no passphrase was given"), ("\n", "no passphrase was given"),
        (String(repeating: "x", count: 513), "the passphrase is longer than 512 bytes"),
    ])
    func `a passphrase that is none is refused`(input: String, words: String) throws {
        let end = try check("--passphrase", crypttab: table, input: .text(input))
        #expect(end.status == 2 && end.err == "postern: \(words)\n" && end.out == "", "\(end)")
    }

    @Test func `at a terminal it is asked for and not shown, and the terminal is given back`() throws {
        try folder.write("root \(materials.root) none luks\n", to: "crypttab")
        let command = "\(try Rehearsal.binary()) check --passphrase -f \(folder.path("postern.conf"))"
        for isInterrupted in [false, true] {
            let terminal = try Pseudoterminal("/bin/sh", ["-c", "trap : INT; \(command); echo status $?; stty -a"])
            #expect(terminal.shows("Passphrase: "), "\(terminal.screen)")
            terminal.type(isInterrupted ? "\u{3}" : "correct hx\u{7f}orse\r")
            if !isInterrupted { #expect(terminal.shows("; the passphrase opens it"), "\(terminal.screen)") }
            #expect(terminal.shows("status \(isInterrupted ? 130 : 0)"), "\(terminal.screen)")
            #expect(terminal.shows(" echo "), "\(terminal.screen)")
            #expect(!terminal.screen.contains("correct"), "\(terminal.screen)")
            _ = terminal.wait()
        }
    }
}
