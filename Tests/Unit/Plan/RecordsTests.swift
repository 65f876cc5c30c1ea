import Linux
import Plan
import Testing
import Wire

/// What the records of a boot have of the plan's decisions.
@Suite struct RecordsTests {
    /// Somebody who is known by name.
    private let owner = Requester(
        prompt: PromptAddress(session: 1, channel: 1), key: 0, who: "owner",
        fields: [LogField("POSTERN_KEY", "SHA256:x")],
        terminal: true)

    private func counts(_ story: Story) -> [Int] {
        [story.plan.passphrases.right, story.plan.passphrases.wrong, story.plan.passphrases.failed]
    }

    @Test func `a wrong passphrase and a right one are events, with who it was and how long it took`() {
        let story = Story(Story.crypttab(["root", "data"]))
        _ = story.appear("root", "data")
        _ = story.type("wrong", owner)
        _ = story.end("unlock root", .wrongKey)
        _ = story.end("unlock data", .wrongKey)
        #expect(story.events == ["event=wrong-passphrase volumes=root,data key=SHA256:x"])
        #expect(counts(story) == [0, 1, 0])
        _ = story.wait(1)
        _ = story.type("right", owner)
        _ = story.wait(3.24)
        _ = story.open("unlock root")
        // For the other it is wrong, and yet a right one.
        _ = story.end("unlock data", .wrongKey)
        #expect(story.events.dropFirst() == ["event=volume-open volume=root seconds=3.2 key=SHA256:x"])
        #expect(story.logs.last == "root: opened by owner in 3.2 s")
        #expect(counts(story) == [1, 1, 0])
    }

    @Test func `a passphrase that could not be tried is no wrong one`() {
        let story = Story(Story.crypttab(["root"]))
        _ = story.appear("root")
        _ = story.type("x", owner)
        _ = story.end("unlock root", .failed("no memory"))
        #expect(story.events == ["event=try-failed volume=root reason=no memory key=SHA256:x"])
        #expect(counts(story) == [0, 0, 1])
    }

    @Test func `a passphrase whose last try ends with the boot counts once`() {
        let story = Story(Story.crypttab(["root"]) + "\n" + Story.crypttab(["data"], "none luks,nofail,timeout=1"))
        _ = story.appear("root", "data")
        _ = story.type("right", owner)
        _ = story.open("unlock root")
        #expect(story.events.last == "event=boot-can-continue volumes=data")
        #expect(counts(story) == [0, 0, 0], "it is still tried on the other")
        _ = story.wait(120)
        #expect(story.plan.continues)
        #expect(counts(story) == [1, 0, 0])
    }

    @Test func `key files are events`() {
        let story = Story(Story.crypttab(["a", "b"], "/etc/key luks"))
        _ = story.appear("a", "b")
        _ = story.end("read /etc/key", .keyRead)
        _ = story.open("key a")
        _ = story.end("key b", .wrongKey)
        #expect(
            story.events == [
                "event=volume-open volume=a seconds=0.0 key_file=/etc/key",
                "event=wrong-key-file volume=b reason=key file /etc/key does not open it key_file=/etc/key",
            ])
        let other = Story(Story.crypttab(["a"], "/key:UUID=5555-5555 luks"))
        _ = other.appear("a")
        _ = other.plug("/dev/sdb", uuid: "5555-5555", type: "ext4")
        _ = other.end("read /dev/sdb/key", .failed("it is empty"))
        #expect(other.events == ["event=key-file-failed key_file=/key:UUID=5555-5555 reason=it is empty"])
        #expect(counts(other) == [0, 0, 0])
    }

    @Test func `a volume that fails or is left is an event, and so is one that is open already`() {
        let story = Story(Story.crypttab(["a", "b", "c"]))
        story.tokens["b"] = ["clevis"]
        for name in ["a", "b", "c"] { _ = story.plug("/dev/\(name)", uuid: Story.uuid(name)) }
        _ = story.end("inspect a", .failed("read error"))
        _ = story.readHeader("b")
        _ = story.readHeader("c", active: true)
        #expect(
            story.events == [
                "event=volume-failed volume=a reason=read error",
                "event=volume-left volume=b reason=its header has a clevis binding", "event=volume-open volume=c",
            ])
    }

    @Test func `members that are not open are counted, but not those of the native opener`() {
        let story = Story(Story.crypttab(["a", "b", "c", "d"]), "Array storage any a b c\nArray other quorum=1 d\n")
        story.tokens["b"] = ["clevis"]
        func missing() -> [String] { story.plan.membersMissing.map { "\($0.array) \($0.count)" } }
        #expect(missing() == ["storage 3", "other 1"])
        _ = story.appear("a", "b")
        _ = story.type("right", owner)
        _ = story.open("unlock a")
        #expect(missing() == ["storage 1", "other 1"])
    }
}
