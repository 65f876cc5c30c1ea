import Config
import Testing

@testable import Image

/// What the host's files become in the image.
@Suite struct CopiesTests {
    @Test(
        arguments: [
            ("", "{TIME}Crypttab /etc/postern/crypttab\n"),
            ("Port 22\n", "Port 22\n{TIME}Crypttab /etc/postern/crypttab\n"),
            ("Port 22", "Port 22\n{TIME}Crypttab /etc/postern/crypttab\n"),
            ("# a\nCrypttab /etc/crypttab\nPort 22\n", "# a\nCrypttab /etc/postern/crypttab\nPort 22\n{TIME}"),
            ("\t CRYPTTAB=/x # y\r\nPort 22\r\n", "Crypttab /etc/postern/crypttab\nPort 22\n{TIME}"),
            ("Crypttab /a\nCrypttab /b\n", "Crypttab /etc/postern/crypttab\nCrypttab /etc/postern/crypttab\n{TIME}"),
            ("#Crypttab /a\n", "#Crypttab /a\n{TIME}Crypttab /etc/postern/crypttab\n"),
            ("\u{feff}Crypttab /a\n", "Crypttab /etc/postern/crypttab\n{TIME}"),
            ("imagetime 7\n", "ImageTime 1764000000\nInitrd systemd\nCrypttab /etc/postern/crypttab\n"),
            ("Initrd script\n", "Initrd systemd\nImageTime 1764000000\nCrypttab /etc/postern/crypttab\n"),
            // What is no line of the machine's becomes none of the image's.
            ("Port 22\r\r\n", "Port 22\r\r\n{TIME}Crypttab /etc/postern/crypttab\n"),
            ("\u{feff}\u{feff}Port 22\n", "\u{feff}\u{feff}Port 22\n{TIME}Crypttab /etc/postern/crypttab\n"),
            (
                "Port 22\nMatch all\nCrypttab /b\n",
                "Port 22\n{TIME}Crypttab /etc/postern/crypttab\nMatch all\nCrypttab /b\n"
            ),
        ])
    func `postern.conf keeps its lines, every Crypttab names the image's own, and ImageTime is when it was made`(
        host: String, image: String
    ) {
        let copy = Copies.settings(Array(host.utf8), for: .systemd, time: 1_764_000_000)
        let expected = image.replacing("{TIME}", with: "ImageTime 1764000000\nInitrd systemd\n")
        #expect(String(decoding: copy, as: UTF8.self) == expected)
        var findings: [Finding] = []
        let settings = Settings.parse(copy, file: "", into: &findings)
        #expect(settings.crypttab == "/etc/postern/crypttab")
        #expect(settings.imageTime == 1_764_000_000)
        #expect(settings.initrd == .systemd)
        #expect(settings.ports == Settings.parse(Array(host.utf8), file: "", into: &findings).ports)
    }

    @Test(
        arguments: [
            ("apollo\n", "apollo\n"), ("apollo", "apollo\n"), ("", ""), ("\n# apollo\n", ""),
            ("# mine\n\n \tapollo.example \nother\n", "apollo.example\n"),
        ])
    func `the machine's name is the first word that is no comment`(file: String, name: String) {
        #expect(String(decoding: Copies.hostName(Array(file.utf8)), as: UTF8.self) == name)
    }

    private let host = """
        # The machine's.
        root\tUUID=11111111-2222-3333-4444-555555555555\tnone\tluks,discard
        home /dev/vg/home /etc/keys/home.key  luks,initramfs  # a remark

        swap /dev/sdb2 /dev/urandom swap
        a-1 LABEL=a1 /etc/keyfile:LABEL=keys luks
        a-2 LABEL=a2
        data /dev/sdc none luks

        """

    private func chosen(_ settings: String, _ asked: String...) -> (ChosenVolumes, Crypttab) {
        var findings: [Finding] = []
        let crypttab = Crypttab.parse(Array(host.utf8), file: "crypttab", into: &findings)
        #expect(findings.isEmpty)
        let settings = Settings.parse(Array(settings.utf8), file: "postern.conf", into: &findings)
        return (ChosenVolumes(crypttab, settings: settings, asked: asked), crypttab)
    }

    @Test func `asked, marked and members are chosen in the order of the file`() {
        #expect(chosen("", "data", "root").0.entries.map(\.name) == ["root", "home", "data"])
        #expect(chosen("Array a all a-*", "root").0.entries.map(\.name) == ["root", "home", "a-1", "a-2"])
        #expect(chosen("").0.entries.map(\.name) == ["home"])
        #expect(chosen("", "root", "nothing").0.unknown == ["nothing"])
    }

    @Test func `a finding about a volume that stays outside is of no concern`() {
        let (chosen, crypttab) = chosen("", "root")
        func concerns(_ file: String, _ line: Int) -> Bool {
            chosen.concerns(
                Finding(file: file, line: line, problem: "", remedy: ""), crypttab: crypttab, file: "crypttab")
        }
        #expect(concerns("crypttab", 2))
        #expect(concerns("crypttab", 0))
        // A line that is no volume may have been meant for one that is needed.
        #expect(concerns("crypttab", 4))
        #expect(concerns("postern.conf", 8))
        #expect(!concerns("crypttab", 8))
    }

    @Test func `lines stay as they are but for the keys`() {
        let (chosen, _) = chosen("Array a all a-*", "root")
        let copy = Copies.crypttab(Array(host.utf8), from: "/etc/crypttab", entries: chosen.entries) { entry in
            switch entry.name {
            case "home": .file(path: "/cryptroot/keyfiles/a b.key")
            case "a-2": .ask
            default: nil
            }
        }
        #expect(
            String(decoding: copy, as: UTF8.self) == """
                # Volumes of this initrd, from /etc/crypttab.
                root\tUUID=11111111-2222-3333-4444-555555555555\tnone\tluks,discard
                home /dev/vg/home /cryptroot/keyfiles/a\\040b.key luks,initramfs  # a remark
                a-1 LABEL=a1 /etc/keyfile:LABEL=keys luks
                a-2 LABEL=a2 none

                """)
    }
}
