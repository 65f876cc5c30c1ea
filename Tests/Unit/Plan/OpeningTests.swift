import Config
import Linux
import Plan
import Testing
import Wire

/// The way of an ordinary boot.
@Suite struct OpeningTests {
    /// The machine of the README: a root, a key volume inside of nothing, and members whose key lies on it.
    private static let machine =
        Story.crypttab(["root"]) + "\n" + Story.crypttab(["a", "b"], "/key:UUID=5555-5555 luks")

    @Test func `a root opens, and the boot goes on`() {
        let story = Story(Story.crypttab(["root"]))
        #expect(story.go() == [])
        #expect(story.states == ["root device-missing"])
        #expect(story.appear("root") == ["inspect root"])
        #expect(story.states == ["root locked?"])
        #expect(story.type("right", .person(1, key: 0)) == ["unlock root"])
        #expect(story.states == ["root trying?"])
        #expect(story.open("unlock root") == ["tried 1.1: root opened", "go on"])
        #expect(story.states == ["root open"])
        #expect(story.plan.continues)
        #expect(story.logs == ["root: opened by key 0 in 0.0 s"])
    }

    @Test func `the key volume appears after the root, its key file is read, and the members open side by side`() {
        let story = Story(OpeningTests.machine)
        _ = story.appear("root", "a", "b")
        #expect(story.states == ["root locked?", "a waiting-for-key", "b waiting-for-key"])
        _ = story.wait(60)
        #expect(story.states == ["root locked?", "a waiting-for-key", "b waiting-for-key"], "it may lie in the root")
        #expect(story.type("right", .person(1, key: 0)) == ["unlock root"])
        #expect(story.open("unlock root") == ["tried 1.1: root opened"])
        #expect(story.plug("/dev/dm-1", uuid: "5555-5555", type: "ext4") == ["read /dev/dm-1/key"])
        #expect(story.end("read /dev/dm-1/key", .keyRead) == ["key a", "key b"])
        #expect(story.open("key b") == [])
        #expect(story.open("key a") == ["forget 0", "go on"])
        #expect(story.logs.contains("b: opened by key file /key on UUID=5555-5555 in 0.0 s"))
    }

    @Test func `a key file in the initrd is read at once`() {
        let story = Story(Story.crypttab(["root"], "/etc/keys/root luks,keyfile-offset=512,keyfile-size=64"))
        #expect(story.go() == ["read /etc/keys/root"])
        #expect(story.appear("root") == ["inspect root"])
        #expect(story.end("read /etc/keys/root", .keyRead) == ["key root"])
        #expect(story.open("key root") == ["forget 0", "go on"])
    }

    @Test func `a volume that is open already is not asked for`() {
        let story = Story(Story.crypttab(["root"]))
        _ = story.plug("/dev/root", uuid: Story.uuid("root"))
        #expect(story.readHeader("root", active: true) == ["go on"])
    }

    @Test func `an empty passphrase is tried before anybody is asked`() {
        let story = Story(Story.crypttab(["root"], "none luks,try-empty-password"))
        #expect(story.appear("root") == ["inspect root", "unlock root"])
        #expect(story.end("unlock root", .wrongKey) == [])
        #expect(story.states == ["root locked?"])
        #expect(story.type("right", .console) == ["unlock root"])
        #expect(story.open("unlock root") == ["tried 0.1: root opened", "go on"])
    }

    @Test func `the right empty passphrase opens it`() {
        let story = Story(Story.crypttab(["root"], "none luks,try-empty-password"))
        _ = story.appear("root")
        #expect(story.open("unlock root") == ["go on"])
    }

    @Test func `a volume opens while its empty passphrase is being tried, and that worker is ended`() {
        let story = Story(Story.crypttab(["root"], "none luks,try-empty-password"))
        _ = story.appear("root")
        #expect(story.type("right", .console) == ["unlock root"])
        let told = story.open("unlock root")
        #expect(told.contains("kill unlock root"))
        #expect(told.last == "go on")
    }

    @Test func `one passphrase is tried on every volume that waits for one`() {
        let story = Story(Story.crypttab(["root", "home"]))
        _ = story.appear("root", "home")
        #expect(story.type("one", .person(1, key: 0)) == ["unlock root", "unlock home"])
        #expect(story.open("unlock root") == [])
        #expect(story.end("unlock home", .wrongKey) == ["tried 1.1: root opened, home wrong"])
        #expect(story.states == ["root open", "home locked?"])
        #expect(story.type("two", .person(1, key: 0)) == [], "tries come one a second")
        #expect(story.wait(1) == ["unlock home"])
        #expect(story.open("unlock home") == ["tried 1.1: home opened", "go on"])
    }

    @Test func `a volume of the native opener is none of ours, and with nothing else the boot goes on at once`() {
        let story = Story(
            """
            swap /dev/vda3 /dev/urandom swap
            tpm UUID=11-11 - tpm2-device=auto
            key UUID=22-22 - fido2-device=auto
            card UUID=33-33 - pkcs11-uri=auto
            script UUID=44-44 x keyscript=/bin/mine
            plain /dev/vda4 /key plain
            """)
        #expect(story.go() == ["go on"])
        #expect(story.states.allSatisfy { $0.hasSuffix(" left") })
        #expect(story.detail("tpm") == "tpm2-device= opens it without a person")
    }

    @Test func `postern.conf takes and leaves volumes`() {
        let story = Story(
            "tpm UUID=\(Story.uuid("tpm")) - tpm2-device=auto\n" + Story.crypttab(["other"]),
            "Volume tpm take\nVolume other leave")
        #expect(story.go() == [])
        #expect(story.states == ["tpm device-missing", "other left"])
        _ = story.appear("tpm")
        #expect(story.type("right", .console) == ["unlock tpm"])
        #expect(story.open("unlock tpm") == ["tried 0.1: tpm opened", "go on"])
    }

    @Test func `a clevis binding makes it the native opener's, unless it is taken`() {
        let story = Story(Story.crypttab(["bound", "taken"]), "Volume taken take")
        story.tokens = ["bound": ["clevis"], "taken": ["systemd-recovery", "clevis"]]
        _ = story.appear("bound", "taken")
        #expect(story.states == ["bound left", "taken locked?"])
        #expect(story.logs == ["bound: left, its header has a clevis binding"])
        #expect(story.type("right", .console) == ["unlock taken"])
        #expect(story.open("unlock taken") == ["tried 0.1: taken opened", "go on"])
    }

    @Test(
        arguments: [
            ("systemd-tpm2", "none", true), ("systemd-fido2", "none", true), ("systemd-pkcs11", "none", true),
            ("systemd-recovery", "none", false), ("systemd-tpm2", "/key", false),
        ])
    func `systemd opens by its own tokens what has no key file, and no other opener knows them`(
        type: String, key: String, isLeft: Bool
    ) {
        for system in ["systemd", "initramfs-tools", "script"] {
            let story = Story(Story.crypttab(["bound"], "\(key) luks"), "Initrd \(system)")
            story.tokens = ["bound": [type]]
            _ = story.appear("bound")
            #expect(story.states.first?.hasSuffix("left") == (isLeft && system == "systemd"))
            if isLeft, system == "systemd" { #expect(story.detail("bound") == "its header has a \(type) binding") }
        }
    }

    @Test(arguments: [false, true])
    func `of two lines for one device the first holds, whichever header is read first`(isReversed: Bool) {
        let story = Story("one UUID=\(Story.uuid("one")) none luks\ntwo /dev/disk/by-id/one none luks")
        story.devices = ["two": "/dev/one"]
        _ = story.plug("/dev/one", uuid: Story.uuid("one"))
        _ = story.path("/dev/disk/by-id/one", isThere: true)
        for name in isReversed ? ["two", "one"] : ["one", "two"] { _ = story.readHeader(name) }
        #expect(story.states == ["one locked?", "two left"])
        #expect(story.logs == ["two: left, its device is that of one, which holds"])
        #expect(story.type("right", .console) == ["unlock one"])
        // Nor is the native opener to try it.
        #expect(story.open("unlock one") == ["tried 0.1: one opened", "go on without two"])
    }

    @Test func `of two lines for one device the one that is open holds, and headers that lie elsewhere are no twins`() {
        let story = Story(
            "one /dev/a none luks\ntwo /dev/b none luks\nthree /dev/b none luks,header=/etc/header")
        story.devices = ["one": "/dev/x", "two": "/dev/x", "three": "/dev/x"]
        for path in ["/dev/b", "/etc/header"] { _ = story.path(path, isThere: true) }
        _ = story.readHeader("two")
        _ = story.readHeader("three")
        #expect(story.states == ["one device-missing", "two locked?", "three locked?"])
        _ = story.type("right", .console)
        _ = story.open("unlock two")
        _ = story.open("unlock three")
        _ = story.path("/dev/a", isThere: true)
        #expect(story.readHeader("one") == ["go on without one"])
    }

    @Test func `noauto volumes are passed over`() {
        let story = Story(Story.crypttab(["root"]) + "\n" + Story.crypttab(["usb"], "none luks,noauto"))
        _ = story.appear("root")
        #expect(story.states == ["root locked?"])
        _ = story.type("right", .console)
        #expect(story.open("unlock root") == ["tried 0.1: root opened", "go on"])
    }

    @Test func `a passphrase is let go after its last try`() {
        let story = Story(Story.crypttab(["root", "home"]))
        story.room.cores = 1
        _ = story.appear("root", "home")
        _ = story.type("held", .person(1, key: 0))
        #expect(story.end("unlock root", .wrongKey) == ["unlock home"])
        #expect(story.secrets["held"]?.secret != nil)
        _ = story.end("unlock home", .wrongKey)
        #expect(story.secrets["held"]?.secret == nil)
    }

    @Test func `a rehearsal reads key volumes from a folder and mounts nothing`() {
        let story = Story(OpeningTests.machine, rehearsal: true, keyFolder: "/tmp/keys")
        #expect(story.go() == ["read /tmp/keys/key"])
        _ = story.end("read /tmp/keys/key", .keyRead)
        #expect(story.appear("a") == ["inspect a", "key a"])
        #expect(story.plug("/dev/sdb1", uuid: "5555-5555", type: "vfat") == [])
    }

    @Test func `a rehearsal without a folder says so and asks`() {
        let story = Story(OpeningTests.machine, rehearsal: true)
        _ = story.appear("a")
        #expect(story.states == ["root device-missing", "a locked?", "b device-missing"])
        #expect(story.detail("a").contains("--key-volume"))
    }
}
