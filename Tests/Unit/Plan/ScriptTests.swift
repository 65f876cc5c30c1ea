import Config
import Linux
import Plan
import Testing
import Wire

/// Exit codes of those who ask without a terminal: one try, one answer.
@Suite struct ScriptTests {
    private let script = Requester.script(1, key: 0)

    @Test func `the boot goes on: the monitor ends every channel with 0`() {
        let story = Story(Story.crypttab(["root"]))
        _ = story.appear("root")
        _ = story.type("right", script)
        #expect(story.open("unlock root") == ["tried 1.1: root opened", "go on"])
    }

    @Test func `a wrong passphrase is 3`() {
        let story = Story(Story.crypttab(["root"]))
        _ = story.appear("root")
        _ = story.type("wrong", script)
        #expect(story.end("unlock root", .wrongKey) == ["tried 1.1: root wrong, wait 1", "finish 1.1: 3 "])
    }

    @Test func `a try that went wrong otherwise is 1`() {
        let story = Story(Story.crypttab(["root"]))
        _ = story.appear("root")
        _ = story.type("x", script)
        #expect(story.end("unlock root", .failed("no memory")) == ["tried 1.1: root failed", "finish 1.1: 1 "])
    }

    @Test func `a device that went before its try is 5`() {
        let story = Story(Story.crypttab(["a", "b"]))
        story.room.cores = 1
        _ = story.appear("a", "b")
        _ = story.type("x", script)
        _ = story.unplug("/dev/b")
        let told = story.end("unlock a", .failed("no header"))
        #expect(told.last == "finish 1.1: 5 b: device UUID=62 is missing.")
    }

    @Test func `some open and some still locked is 4`() {
        let story = Story(Story.crypttab(["root", "home"]))
        _ = story.appear("root", "home")
        _ = story.type("one", script)
        _ = story.open("unlock root")
        #expect(
            story.end("unlock home", .wrongKey) == [
                "tried 1.1: root opened, home wrong", "finish 1.1: 4 Still locked: home.",
            ])
    }

    @Test func `it waits for members that open by key file`() {
        let story = Story(Story.crypttab(["root"]) + "\n" + Story.crypttab(["a"], "/key:UUID=55-55 luks"))
        _ = story.appear("root", "a")
        _ = story.type("one", script)
        #expect(story.open("unlock root") == ["tried 1.1: root opened"])
        _ = story.plug("/dev/dm-1", uuid: "55-55", type: "ext4")
        _ = story.end("read /dev/dm-1/key", .keyRead)
        #expect(story.open("key a") == ["forget 0", "go on"])
    }

    @Test func `a member whose key file never comes is 4 after the grace`() {
        let story = Story(Story.crypttab(["root"]) + "\n" + Story.crypttab(["a"], "/key:UUID=55-55 luks"))
        _ = story.appear("root", "a")
        _ = story.type("one", script)
        _ = story.open("unlock root")
        #expect(story.wait(5) == ["finish 1.1: 4 Still locked: a."])
    }

    @Test func `with a device missing it is 5, after ContinueTimeout`() {
        let story = Story(Story.crypttab(["root", "a"]), "ContinueTimeout 30")
        _ = story.appear("root")
        _ = story.type("one", script)
        #expect(story.open("unlock root") == ["tried 1.1: root opened"])
        #expect(story.wait(29) == [])
        #expect(story.wait(1) == ["finish 1.1: 5 a: device UUID=61 is missing."])
    }

    @Test func `with a header that cannot be read it is 4`() {
        let story = Story(Story.crypttab(["root", "a"]), "ContinueTimeout 30")
        _ = story.appear("root")
        _ = story.plug("/dev/a", uuid: Story.uuid("a"))
        _ = story.end("inspect a", .failed("no LUKS header on /dev/a"))
        _ = story.type("one", script)
        _ = story.open("unlock root")
        #expect(story.wait(30) == ["finish 1.1: 4 a: no LUKS header on /dev/a."])
    }

    @Test func `with an activation that hangs it is 4, while a key file waits behind it`() {
        let story = Story(
            Story.crypttab(["root"]) + "\n" + Story.crypttab(["a"], "/key luks,try-empty-password"),
            "ContinueTimeout 30")
        _ = story.appear("root", "a")
        #expect(story.requestActivation("unlock a"))
        #expect(story.end("read /key", .keyRead) == [])
        _ = story.type("one", script)
        #expect(story.open("unlock root") == ["tried 1.1: root opened"])
        #expect(story.wait(179) == [])
        #expect(story.wait(1) == ["finish 1.1: 4 a: its activation has not ended after 180 seconds."])
        // The key has its turn when that fails.
        #expect(story.end("unlock a", .failed("io")) == ["key a"])
        #expect(story.open("key a") == ["forget 0", "go on"])
    }

    @Test func `a passphrase comes before its volume, waits for it, and is tried`() {
        let story = Story(Story.crypttab(["root"]))
        #expect(story.type("early", script) == [])
        _ = story.wait(20)
        #expect(story.appear("root") == ["inspect root", "unlock root"])
        #expect(story.open("unlock root").last == "go on")
    }

    @Test func `a passphrase that nothing waits for is 5 in the end, also with ContinueTimeout 0`() {
        let story = Story(Story.crypttab(["root"]), "ContinueTimeout 0")
        _ = story.type("early", script)
        #expect(story.wait(4.9) == [])
        #expect(
            story.wait(0.1) == [
                "finish 1.1: 5 Nothing waits for a passphrase. root: device UUID=726f6f74 is missing."
            ])
    }

    @Test func `a passphrase that only failed volumes could take is 1`() {
        let story = Story(Story.crypttab(["root"]))
        _ = story.plug("/dev/root", uuid: Story.uuid("root"))
        _ = story.end("inspect root", .failed("no LUKS header on /dev/root"))
        _ = story.type("x", script)
        #expect(
            story.wait(60) == ["finish 1.1: 1 Nothing waits for a passphrase. root: no LUKS header on /dev/root."])
    }

    @Test func `somebody else was first: with the boot still waiting it is 4`() {
        let story = Story(Story.crypttab(["root", "home"]))
        _ = story.appear("root", "home")
        _ = story.type("one", script)
        _ = story.end("unlock home", .wrongKey)
        _ = story.type("one", .console)
        let console = story.jobs.last { $0.name == "unlock root" }?.job ?? -1
        #expect(story.requestActivation(console))
        #expect(
            story.endJob(console, .done(.opened(slot: 0))) == [
                "kill unlock root", "tried 1.1: home wrong, root alreadyOpen, wait 1",
                "finish 1.1: 4 Still locked: home.",
            ])
    }
}
