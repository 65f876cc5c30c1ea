import Linux
import Plan
import Testing
import Wire

/// Volumes that systemd opens, and what Postern asks for it.
@Suite struct WatchedTests {
    private static let systemd = "Initrd systemd\n"
    private let me = Requester.person(1, key: 1)

    /// A root that the TPM opens, whose header has been read.
    private func story(_ rest: String = "none luks,tpm2-device=auto", _ more: String = "") -> Story {
        let story = Story(Story.crypttab(["root"], rest), Self.systemd + more)
        #expect(story.appear("root") == ["inspect root"])
        return story
    }

    @Test func `a TPM opens the root alone: nobody is asked, and the boot goes on`() {
        let story = story()
        #expect(story.states == ["root unattended"])
        #expect(story.detail("root") == "tpm2-device=")
        #expect(story.mapped("root") == ["inspect root"])
        #expect(story.readHeader("root", active: true) == ["go on"])
        #expect(story.states == ["root open"])
        #expect(story.logs == ["root: opened by systemd"])
    }

    @Test func `what systemd asks is asked here; a right passphrase opens, and the record says whose it was`() {
        let story = story()
        #expect(story.ask("ask.1", "/dev/disk/by-uuid/root", device: "/dev/root").isEmpty)
        #expect(story.states == ["root locked?"])
        #expect(story.detail("root") == "systemd asks for a passphrase; tpm2-device= has not opened it")
        #expect(story.type("right", me) == ["answer ask.1"])
        #expect(story.states == ["root trying"])
        // It takes the question away, and derives the key.
        #expect(story.ask().isEmpty)
        #expect(story.wait(5).isEmpty)
        #expect(story.states == ["root trying"])
        #expect(story.mapped("root") == ["inspect root"])
        #expect(story.readHeader("root", active: true) == ["tried 1.1: root opened", "go on"])
        #expect(story.logs == ["root: systemd asks for a passphrase", "root: opened by key 1 in 5.0 s"])
        #expect(story.events.first == "event=passphrase-asked volume=root")
        // The passphrase is held by nobody any more.
        story.forget("answer ask.1")
        #expect(story.secrets["right"]?.secret == nil)
    }

    @Test func `after a wrong passphrase systemd asks again, and so does Postern, and slows down who guesses`() {
        let story = story()
        _ = story.ask("ask.1", "/dev/x", device: "/dev/root")
        #expect(story.type("wrong", me) == ["answer ask.1"])
        // Its file may stay for a moment: that is no new question.
        #expect(story.ask("ask.1", "/dev/x", device: "/dev/root").isEmpty)
        #expect(story.states == ["root trying"])
        #expect(story.ask().isEmpty)
        #expect(story.ask("ask.2", "/dev/x", device: "/dev/root") == ["tried 1.1: root wrong, wait 1"])
        #expect(story.states == ["root locked?"])
        #expect(story.logs.contains("wrong passphrase from key 1"))
        #expect(story.type("right", me).isEmpty)
        #expect(story.held(1) == 1)
        #expect(story.wait(1) == ["answer ask.2"])
        _ = story.mapped("root")
        #expect(story.readHeader("root", active: true) == ["tried 1.1: root opened", "go on"])
    }

    @Test func `a question that somebody else has answered goes, and is no news of a passphrase that was typed here`() {
        let story = story()
        _ = story.ask("ask.1", "/dev/x", device: "/dev/root")
        #expect(story.ask().isEmpty)
        #expect(story.states == ["root unattended"])
        #expect(story.detail("root") == "it has its answer")
        #expect(story.type("late", me) == ["tried 1.1: "])
        _ = story.mapped("root")
        #expect(story.readHeader("root", active: true) == ["go on"])
        #expect(story.logs.last == "root: opened by systemd")
    }

    @Test func `an answer that does not get there leaves the question open`() {
        let story = story()
        _ = story.ask("ask.1", "/dev/x", device: "/dev/root")
        _ = story.type("right", me)
        #expect(story.end("answer ask.1", .failed("nobody asks any more")) == ["tried 1.1: root failed"])
        #expect(story.states == ["root locked?"])
        #expect(story.type("right", me).isEmpty)
        #expect(story.wait(1) == ["answer ask.1"])
    }

    @Test func `while systemd tries one passphrase, another prompt hears that nothing waits for one`() {
        let story = story()
        _ = story.ask("ask.1", "/dev/x", device: "/dev/root")
        #expect(story.type("one", .console) == ["answer ask.1"])
        #expect(story.type("two", me) == ["tried 1.1: "])
        #expect(story.ask("ask.2", "/dev/x", device: "/dev/root") == ["tried 0.1: root wrong"])
        #expect(story.type("two", me) == ["answer ask.2"])
    }

    @Test func `a script waits for the question, and hears when systemd needed none`() {
        let story = story()
        let script = Requester.script(2, key: 1)
        #expect(story.type("right", script).isEmpty)
        #expect(story.wait(20).isEmpty)
        #expect(story.ask("ask.1", "/dev/x", device: "/dev/root") == ["answer ask.1"])
        _ = story.mapped("root")
        #expect(
            story.readHeader("root", active: true) == ["tried 2.1: root opened", "go on"])

        let other = self.story()
        #expect(other.type("right", script).isEmpty)
        #expect(
            other.wait(61) == ["finish 2.1: 5 Nothing waits for a passphrase. root: systemd opens it by tpm2-device=."])
    }

    @Test func `a question about another device is none of Postern's, and one may come before the header is read`() {
        let story = Story(Story.crypttab(["root"], "none luks,fido2-device=auto"), Self.systemd)
        #expect(story.ask("ask.1", "/dev/other", device: "/dev/other").isEmpty)
        #expect(story.plug("/dev/root", uuid: Story.uuid("root")) == ["inspect root"])
        #expect(story.readHeader("root").isEmpty)
        #expect(story.states == ["root unattended"])
        #expect(story.ask("ask.2", "/dev/other", device: nil).isEmpty)
        #expect(story.states == ["root unattended"])
        // A header on a device of its own: the path in crypttab tells.
        let named = Story(
            "data /dev/disk/by-id/data /key luks,header=/dev/header", Self.systemd + "Volume data fallback")
        #expect(named.path("/dev/header", isThere: true).isEmpty)
        #expect(named.ask("ask.1", "/dev/disk/by-id/data", device: "/dev/vdb").isEmpty)
        #expect(named.path("/dev/disk/by-id/data", isThere: true) == ["inspect data"])
        #expect(named.readHeader("data").isEmpty)
        #expect(named.states == ["data locked?"])
        #expect(named.detail("data") == "systemd asks for a passphrase; its key has not opened it")
    }

    @Test func `when systemd gives the volume up, Postern opens it itself`() {
        let story = story("none luks,tpm2-device=auto,tries=1")
        _ = story.ask("ask.1", "/dev/x", device: "/dev/root")
        _ = story.type("wrong", me)
        _ = story.ask()
        #expect(story.askerEnded("ask.1") == ["inspect root"])
        #expect(story.readHeader("root") == ["tried 1.1: root failed"])
        #expect(story.states == ["root locked?"])
        #expect(story.logs.contains("root: systemd has given it up; Postern opens it"))
        #expect(story.type("right", me).isEmpty)
        // The brake counts what systemd tried.
        #expect(story.wait(1) == ["unlock root"])
        #expect(story.open("unlock root") == ["tried 1.1: root opened", "go on"])
    }

    @Test func `systemd's opener ends when it has opened the volume, too`() {
        let story = story()
        _ = story.ask("ask.1", "/dev/x", device: "/dev/root")
        _ = story.type("right", me)
        #expect(story.askerEnded("ask.1") == ["inspect root"])
        #expect(story.readHeader("root", active: true) == ["tried 1.1: root opened", "go on"])
    }

    @Test func `one passphrase is tried by Postern and by systemd`() {
        let crypttab = Story.crypttab(["root"], "none luks,tpm2-device=auto") + "\n" + Story.crypttab(["data"])
        let story = Story(crypttab, Self.systemd)
        _ = story.appear("root", "data")
        _ = story.ask("ask.1", "/dev/x", device: "/dev/root")
        #expect(story.states == ["root locked?", "data locked?"])
        #expect(story.type("right", me) == ["answer ask.1", "unlock data"])
        #expect(story.open("unlock data").isEmpty)
        _ = story.mapped("root")
        #expect(story.readHeader("root", active: true) == ["tried 1.1: data opened, root opened", "go on"])
    }

    @Test func `the boot waits 90 seconds for a dead disk that systemd would open, and not before something is open`() {
        let crypttab = Story.crypttab(["root", "data"], "none luks,tpm2-device=auto")
        let story = Story(crypttab, Self.systemd)
        _ = story.appear("root")
        #expect(story.wait(1000).isEmpty)
        _ = story.mapped("root")
        #expect(story.readHeader("root", active: true).isEmpty)
        #expect(story.states == ["root open", "data device-missing"])
        #expect(story.wait(89).isEmpty)
        // It is not passed over: it may yet come.
        #expect(story.wait(1) == ["go on"])
        #expect(story.logs.last == "data: left, its device has not appeared")
    }

    @Test func `with nofail the boot goes on, and passes over in the booted system only what was asked for`() {
        let story = Story(
            Story.crypttab(["root"]) + "\n" + Story.crypttab(["a", "b"], "none luks,nofail,tpm2-device=auto"),
            Self.systemd + "ContinueTimeout 5")
        _ = story.appear("root", "a", "b")
        _ = story.ask("ask.1", "/dev/x", device: "/dev/b")
        _ = story.type("right", Requester.console)
        _ = story.open("unlock root")
        _ = story.ask("ask.2", "/dev/x", device: "/dev/b")
        #expect(story.wait(5) == ["go on without b"])
    }

    @Test func `a header that cannot be read keeps nothing waiting, and a foreign mapping does`() {
        let story = Story(Story.crypttab(["root"], "none luks,tpm2-device=auto"), Self.systemd)
        _ = story.plug("/dev/root", uuid: Story.uuid("root"))
        #expect(story.end("inspect root", .failed("no LUKS header on /dev/root")) == ["go on"])
        #expect(story.states == ["root left"])

        let other = Story(Story.crypttab(["root"], "none luks,tpm2-device=auto"), Self.systemd)
        _ = other.plug("/dev/root", uuid: Story.uuid("root"))
        #expect(other.readHeader("root", taken: "it is another's").isEmpty)
        #expect(other.states == ["root failed"])
        #expect(other.mapped("root") == ["inspect root"])
        #expect(other.readHeader("root", active: true) == ["go on"])
    }

    @Test(arguments: [
        ("none luks,tpm2-device=auto", "Initrd systemd", "unattended"),
        ("none luks,pkcs11-uri=auto", "Initrd systemd", "unattended"),
        ("none luks,tpm2-device=auto,headless=1", "Initrd systemd", "left"),
        ("none luks,tpm2-device=auto", "Initrd systemd\nVolume root leave", "left"),
        ("none luks,tpm2-device=auto", "Initrd systemd\nVolume root take", "locked?"),
        ("none luks", "Initrd systemd\nVolume root fallback", "unattended"),
        ("/key luks", "Initrd systemd\nVolume root fallback", "unattended"),
        ("none luks,tpm2-device=auto", "Initrd script", "left"),
        ("none luks", "Initrd script\nVolume root fallback", "left"),
    ])
    func `a volume is watched where systemd opens it without a person`(
        rest: String, settings: String, state: String
    ) {
        let story = Story(Story.crypttab(["root"], rest), settings)
        _ = story.plug("/dev/root", uuid: Story.uuid("root"))
        if !story.jobs.isEmpty { _ = story.readHeader("root") }
        #expect(story.states == ["root \(state)"])
    }

    @Test func `a rehearsal tries the passphrase that systemd would ask for`() {
        let story = Story(
            Story.crypttab(["root"], "none luks,tpm2-device=auto"), Self.systemd, rehearsal: true)
        _ = story.appear("root")
        #expect(story.states == ["root locked?"])
        #expect(story.type("right", me) == ["unlock root"])
    }
}
