import Foundation
import TestImages
import TestPeers
import Testing

/// What the headers of the volumes say when an image is built and checked.
extension ImageCommandTests {
    /// The image after `postern image`, with what every check wants to find in it.
    private func checked() throws -> Finished {
        try put("/usr/sbin/postern")
        return try run(
            try Rehearsal.binary(), ["check", "--image", image.path, "-f", "/etc/postern/postern.conf"],
            timeout: patience)
    }

    /// Binds a token. cryptsetup(8) takes none of systemd's types that lacks what is in it, so its type is changed by hand.
    private func bind(_ type: String, _ slots: String, _ place: Workplace) throws {
        try place.shell("echo '{\"type\":\"to-be\",\"keyslots\":[\(slots)]}' | cryptsetup token import volume")
        try place.forge("volume") { $0.replacing("to-be", with: type) }
    }

    @Test(
        arguments: ["clevis", "systemd-tpm2", "systemd-fido2"])
    func `a token without a key slot leaves the volume to nobody`(type: String) throws {
        let place = try Workplace()
        let volume = try place.format("volume")
        try bind(type, "", place)
        try put("usr/lib/systemd/systemd")
        try write(crypttab: "root \(volume) none luks")
        let end = try stage("root")
        #expect(end.status == 0, "\(end)")
        #expect(!end.err.contains("left"), "\(end)")
        #expect(stagedFiles.contains("etc/systemd/system/systemd-cryptsetup@root.service.d/postern.conf"))
    }

    /// A file by which the image's tree is known to be systemd's or initramfs-tools', and what the image's postern.conf then says.
    static let systems = [
        "usr/lib/systemd/systemd": "Volume root fallback\n", "scripts/local": "Volume root take\n", "init": nil,
    ]

    @Test(
        arguments: [
            ("clevis", "init"), ("clevis", "scripts/local"), ("clevis", "usr/lib/systemd/systemd"),
            ("systemd-tpm2", "usr/lib/systemd/systemd"), ("systemd-pkcs11", "usr/lib/systemd/systemd"),
        ])
    func `a volume that its header leaves to the native opener is said to be out of reach`(
        type: String, file: String
    ) throws {
        let place = try Workplace()
        let volume = try place.format("volume")
        try put(file)
        try write(crypttab: "root \(volume) none luks")
        #expect(try stage("root").status == 0)
        // The image has it, and then its owner binds it.
        try bind(type, "\"0\"", place)
        let check = try checked()
        #expect(check.status == 1, "\(check)")
        let words = "/etc/postern/crypttab: this machine cannot be unlocked from afar: every volume is left"
        #expect(check.out.contains(words), "\(check)")
        let rule = try #require(Self.systems[file])
        let remedy = rule == nil ? "write Volume NAME take in postern.conf" : "build the image again"
        #expect(check.out.contains("binding; " + remedy), "\(check)")
        let end = try stage("root")
        if let rule {
            // In the next image the agent asks, too.
            #expect(end.status == 0, "\(end)")
            #expect(try staged("etc/postern/postern.conf").contains(rule))
            let again = try checked()
            #expect(!again.out.contains(words), "\(again)")
        } else {
            #expect(end.status == 1, "\(end)")
            #expect(end.err.contains("root is left to the native opener: "), "\(end)")
            let reason = "every volume of the initrd is left to the native opener"
            #expect(end.err.contains("this machine cannot be unlocked from afar: " + reason), "\(end)")
        }
        if file == "scripts/local" {
            #expect(end.err.contains("root has a clevis binding, and Clevis is not in the image"), "\(end)")
            try put("usr/bin/clevis")
            let with = try stage("root")
            #expect(with.err.contains("Clevis opens root, and Postern asks for its passphrase meanwhile"), "\(with)")
            #expect(try staged("etc/postern/clevis") == "root\n")
        } else if rule != nil {
            #expect(end.err.contains("systemd opens root, and Postern asks when that asks: "), "\(end)")
        }
        // Unless it is taken.
        try write(settings: "Volume root take", crypttab: "root \(volume) none luks")
        #expect(try stage("root").status == 0)
        #expect(try !checked().out.contains(words))
    }

    @Test func `a volume with a key file and a clevis binding is left to initramfs-tools, unless it is taken`() throws {
        let place = try Workplace()
        let volume = try place.format("volume")
        try bind("clevis", "\"0\"", place)
        try put("scripts/local")
        try write(crypttab: "root \(volume) /etc/keys/root luks")
        let end = try stage("root")
        #expect(end.status == 1, "\(end)")
        #expect(end.err.contains("root is left to the native opener: its header has a clevis binding"), "\(end)")
        let reason = "every volume of the initrd is left to the native opener"
        #expect(end.err.contains("this machine cannot be unlocked from afar: " + reason), "\(end)")
        try write(settings: "Volume root take", crypttab: "root \(volume) /etc/keys/root luks")
        #expect(try stage("root").status == 0)
    }

    @Test func `initramfs-tools knows no tokens of systemd's`() throws {
        let place = try Workplace()
        let volume = try place.format("volume")
        try bind("systemd-tpm2", "\"0\"", place)
        try write(crypttab: "root \(volume) none luks")
        let end = try stage("root")
        #expect(end.status == 0 && !end.err.contains("left"), "\(end)")
    }

    /// A volume whose header has another cipher, such as cryptsetup makes only where the kernel lends it that.
    private func volume(_ place: Workplace, _ encryption: String) throws -> String {
        let volume = try place.format(
            "volume", options: "--keyslot-cipher aes-cbc-essiv:sha256 --keyslot-key-size 256")
        try place.forge("volume") { $0.replacing(#""encryption":"aes-xts-plain64""#, with: encryption) }
        return volume
    }

    static let ciphers = [
        (#""encryption":"serpent-xts-plain64""#, "serpent xts"),
        (#""encryption":"twofish-cbc-essiv:wp512""#, "twofish cbc essiv wp512"),
        (#""encryption":"xchacha12,aes-adiantum-plain64""#, "xchacha12 aes adiantum"),
        (
            #""integrity":{"type":"hmac(sha256)","journal_encryption":"none","journal_integrity":"none"},"#
                + #""encryption":"aes-xts-random""#, "authenc hmac sha256 aes xts dm_integrity"
        ),
    ]

    @Test(arguments: ciphers)
    func `the modules that a header asks for are told to the hooks, and missed in the image`(
        encryption: String, names: String
    ) throws {
        let place = try Workplace()
        try write(crypttab: "root \(try volume(place, encryption)) none luks")
        let end = try stage("root")
        #expect(end.status == 0, "\(end)")
        // The key slots come after the data.
        let told = end.out.split(separator: "\n").map { String($0) }
        let wanted = names.split(separator: " ").map { $0 == "dm_integrity" ? String($0) : "crypto-\($0)" }
        #expect(Array(told.prefix(wanted.count)) == wanted, "\(end)")
        #expect(Set(told).isSuperset(of: ["crypto-aes", "crypto-cbc", "crypto-essiv"]), "\(end)")
        #expect(Set(told).count == told.count, "\(end)")

        // A kernel that has all of it, and then one thing after the other no more.
        let kernel = "/usr/lib/modules/6.1.0-1"
        let all = Set(told.map { $0.replacing("crypto-", with: "") } + ["sha256", "dm_crypt"])
        for name in all { try put("\(kernel)/kernel/\(name).ko") }
        func missing() throws -> [Substring] {
            try checked().out.split(separator: "\n").filter {
                $0.contains("the module") && !$0.contains("network card")
            }
        }
        #expect(try missing() == [])
        // What a template takes by itself is missed only where the machine's kernel has it.
        for name in names.split(separator: " ") {
            try FileManager.default.removeItem(at: image.appending(path: "\(kernel)/kernel/\(name).ko"))
            let lines = try missing()
            #expect(lines.count == 1, "\(lines)")
            #expect(
                lines.first?.hasPrefix(
                    "/lib/modules/6.1.0-1: the module \(name) is not in the image, which root is encrypted with; ")
                    == true, "\(lines)")
            try put("\(kernel)/kernel/\(name).ko")
        }
    }

    // MARK: Devices

    private func check(_ wrapper: [String] = []) throws -> Finished {
        let words = wrapper + [try Rehearsal.binary(), "check", "--quick", "-f", folder.path("postern.conf")]
        return try run(words[0], Array(words.dropFirst()), timeout: patience)
    }

    @Test(
        arguments: [true, false])
    func `what a needed path has no LUKS header on is a finding, and what may be missing is none`(isNeeded: Bool) throws
    {
        let place = try Workplace()
        let empty = try place.write("empty", [UInt8](repeating: 0, count: 1 << 20))
        let gone = place.file("gone")
        let options = isNeeded ? "luks" : "luks,nofail"
        try write(
            settings: isNeeded ? "" : "Array pool quorum=1 pool-*",
            crypttab: """
                root \(materials.root) none luks
                pool-1 \(empty) none \(isNeeded ? "luks" : "luks")
                empty \(place.file("also")) none \(options)
                gone \(gone) none \(options)
                pool-2 \(gone)-2 none luks
                """)
        try place.write("also", [1])
        let end = try check()
        #expect(end.status == (isNeeded ? 1 : 0), "\(end)")
        let crypttab = folder.path("crypttab")
        let lines = end.out.split(separator: "\n").dropLast().map { String($0) }
        guard isNeeded else {
            #expect(lines.isEmpty, "\(end)")
            return
        }
        #expect(lines.count == 4, "\(end)")
        for (start, problem) in [
            ("notice: \(crypttab):4: \(gone) of gone", "is not there now; the boot will wait for it"),
            ("notice: \(crypttab):5: \(gone)-2 of pool-2", "is not there now; the boot will wait for it"),
            ("\(crypttab):2: \(empty) of pool-1", "has no LUKS header; correct the line"),
            ("\(crypttab):3: \(place.file("also")) of empty", "has no LUKS header; correct the line"),
        ] { #expect(lines.contains { $0.hasPrefix("\(start) \(problem)") }, "\(start): \(end)") }
        // A notice alone does not fail.
        try write(crypttab: "root \(materials.root) none luks\ngone \(gone) none luks")
        #expect(try check().status == 0)
    }

    @Test func `a UUID that udev does not know is a notice and nothing where there is no udev`() throws {
        try write(crypttab: root)
        // A /dev of its own, with udev's links or without.
        let script = """
            mkdir "$1/dev"; mount --rbind /dev "$1/dev"; mount -t tmpfs dev /dev
            for name in null random urandom; do touch /dev/$name; mount --bind "$1/dev/$name" /dev/$name; done
            mkdir -p "/dev/$2"; shift 2; exec "$@"
            """
        for links in ["disk/by-uuid", "none"] {
            let place = try Workplace()
            let end = try check(["/usr/bin/unshare", "-rm", "sh", "-ec", script, "sh", place.path, links])
            #expect(end.status == 0, "\(end)")
            let notice =
                "notice: \(folder.path("crypttab")):1: UUID=11111111-2222-3333-4444-555555555555 of root is not there now;"
            #expect(end.out.hasPrefix(notice) == (links != "none"), "\(end)")
        }
    }

    @Test func `two lines for one device are a finding`() throws {
        let link = folder.path("link")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: materials.root)
        try write(
            settings: "Volume own leave",
            crypttab: """
                root \(materials.root) none luks
                again \(link) none luks,nofail
                own \(link) none luks
                apart \(materials.detached.body) none luks,header=\(materials.detached.header)
                body \(materials.detached.body) none luks,nofail
                """)
        let end = try check()
        let line = "\(folder.path("crypttab")):2: \(link) of again is that of root in line 1, which holds; "
        #expect(end.status == 1, "\(end)")
        #expect(end.out.split(separator: "\n").count == 2, "\(end)")
        #expect(end.out.contains(line), "\(end)")
        #expect(try stage("root", "again").err.contains(line))
    }

    @Test(
        arguments: [
            ("key", "", nil), ("key", ",keyfile-offset=4,keyfile-size=6", nil), ("link", "", nil),
            ("empty", "", "is empty"), ("none", "", "is not there"), ("folder", "", "is not a regular file"),
            ("fifo", "", "is not a regular file"),
            ("large", "", "is larger than 8 MiB; keyfile-size= takes a part of it"),
            ("large", ",keyfile-size=8388608", nil), ("large", ",keyfile-offset=1", nil),
            ("key", ",keyfile-size=11", "has only 10 bytes, but a key of 11 is asked for"),
            ("key", ",keyfile-offset=10", "has only 10 bytes, but what follows byte 10 is asked for"),
            ("/dev/null", "", "is not a regular file"),
        ] as [(String, String, String?)])
    func `what check says of a key file is what the worker says of it`(name: String, options: String, problem: String?)
        throws
    {
        let place = try Workplace()
        try place.shell(
            """
            printf 0123456789 >key; : >empty; mkdir folder; mkfifo fifo; truncate -s 8388609 large; ln -s key link
            """)
        let key = name.hasPrefix("/") ? name : place.file(name)
        try write(crypttab: "root \(materials.root) \(key) luks\(options)")
        let end = try check()
        #expect(end.status == (problem == nil ? 0 : 1), "\(end)")
        if let problem {
            #expect(
                end.out.hasPrefix("\(folder.path("crypttab")):1: the key file \(key) of root \(problem)")
                    || end.out.hasPrefix("\(folder.path("crypttab")):1: key file \(key) \(problem)"), "\(end)")
        }
        // In an image the links lead where they will lead in it.
        guard !name.hasPrefix("/") else { return }
        try place.shell(
            "rm link; ln -s /key link; mkdir -p '\(image.path)/etc/postern' '\(image.path)/usr/sbin'; rm -f fifo")
        try place.shell("cp -r --sparse=always . '\(image.path)'")
        try write(settings: "", crypttab: "root UUID=11111111-2222-3333-4444-555555555555 /\(name) luks\(options)")
        try place.shell(
            """
            cp '\(folder.path("crypttab"))' '\(image.path)/etc/postern'
            echo 'Crypttab /etc/postern/crypttab' >'\(image.path)/etc/postern/postern.conf'
            """)
        let check = try checked()
        let lines = check.out.split(separator: "\n").filter { $0.contains("key file") }
        guard let problem else {
            #expect(lines.isEmpty, "\(check)")
            return
        }
        let isGone = name == "none" || name == "fifo"
        #expect(lines.count == 1, "\(check)")
        #expect(
            lines.first?.contains(isGone ? "/\(name) of root is not in the image" : "key file /\(name) \(problem)")
                == true, "\(check)")
    }
}
