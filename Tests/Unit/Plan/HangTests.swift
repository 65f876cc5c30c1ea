import Config
import Linux
import Plan
import Testing
import Wire

/// Volumes whose activation does not end: its worker must not be killed, and nobody is to wait for it.
@Suite struct HangTests {
    /// A root, and a volume that the boot can spare and whose activation hangs, after a passphrase of `requester`'s.
    private func hanging(_ requester: Requester) -> Story {
        let story = Story(
            Story.crypttab(["root"]) + "\n" + Story.crypttab(["spare"], "none luks,nofail"), "ContinueTimeout 600")
        _ = story.appear("root", "spare")
        _ = story.type("other", requester)
        _ = story.end("unlock root", .wrongKey)
        #expect(story.requestActivation("unlock spare"))
        #expect(story.wait(179) == [])
        return story
    }

    @Test func `a volume that is activated without an end holds no passphrase that another volume needs`() {
        let story = hanging(.person(1, key: 0))
        #expect(story.type("right", .person(2, key: 1)) == [])
        #expect(story.type("right", .console) == ["unlock root"])
        _ = story.end("unlock root", .failed("cold"))
        #expect(
            story.wait(1) == [
                "tried 1.1: root wrong, spare failed, wait 1", "tried 0.1: root failed, spare failed", "unlock root",
            ])
        #expect(story.logs.contains("spare: its activation has not ended after 180 seconds"))
        #expect(story.states == ["root trying?", "spare failed"])
        #expect(story.open("unlock root") == ["tried 2.1: root opened", "go on without spare"])
    }

    @Test func `it is not killed, and counts when it does come to an end`() {
        let story = hanging(.person(1, key: 0))
        #expect(story.wait(1) == ["tried 1.1: root wrong, spare failed, wait 1"])
        #expect(story.type("wrong", .person(1, key: 0)) == [])
        #expect(story.end("unlock spare", .opened(slot: 0)) == ["unlock root"], "its key waits no longer")
        #expect(story.logs.contains("spare: opened by key 0 in 180.0 s"), "\(story.logs)")
        #expect(story.states == ["root trying?", "spare open"])
    }

    @Test func `nor is a passphrase held by its header, which hangs as well`() {
        let story = hanging(.person(1, key: 0))
        _ = story.wait(1)
        #expect(story.plug("/dev/spare", uuid: Story.uuid("spare")) == ["inspect spare"])
        #expect(story.type("right", .person(2, key: 1)) == ["unlock root"])
    }

    @Test func `a worker that was not refused has no other turn for saying so`() {
        let story = Story(Story.crypttab(["root"]))
        _ = story.appear("root")
        _ = story.type("right", .person(1, key: 0))
        #expect(story.end("unlock root", .notPermitted) == ["tried 1.1: root failed"])
        #expect(story.logs.last == "root: its worker gave the wrong answer")
        _ = story.wait(10)
        _ = story.type("right", .person(1, key: 0))
        #expect(story.requestActivation("unlock root"))
        #expect(story.end("unlock root", .notPermitted) == ["tried 1.1: root failed"])
        #expect(story.states == ["root locked?"])
    }

    @Test func `once the agent is told to end nothing is started or activated`() {
        let story = Story(Story.crypttab(["root", "home"], "/key luks"))
        story.room = Schedule.Room(freeMemory: 8 << 20, cores: 1)
        _ = story.appear("root", "home")
        #expect(story.end("read /key", .keyRead) == ["key root"])
        let first = story.job("key root")
        #expect(story.requestActivation(first))
        story.stop()
        #expect(story.end("key root", .opened(slot: 0)) == [])
        #expect(story.states == ["root open", "home queued"])
        #expect(story.wait(1000) == [])
        #expect(!story.plan.continues)
    }

    @Test func `whoever asks to activate when the agent ends is refused, and is not started again`() {
        let story = Story(Story.crypttab(["root"]))
        _ = story.appear("root")
        _ = story.type("right", .person(1, key: 0))
        story.stop()
        #expect(!story.requestActivation("unlock root"))
        #expect(story.end("unlock root", .notPermitted) == ["tried 1.1: root failed"])
        #expect(story.wait(1000) == [])
    }

    @Test func `one that may not activate does not wait for an activation without an end`() {
        let story = Story(Story.crypttab(["root"]))
        _ = story.appear("root")
        _ = story.type("right", .person(1, key: 0))
        _ = story.type("right", .console)
        #expect(story.requestActivation("unlock root"))
        #expect(story.wait(180) == ["tried 1.1: root failed"])
        let second = story.jobs.last?.job ?? -1
        #expect(!story.requestActivation(second))
        #expect(story.endJob(second, .done(.notPermitted)) == ["tried 0.1: root failed"])
        #expect(story.end("unlock root", .failed("io")) == [])
        #expect(story.states == ["root locked?"])
    }

    @Test func `a key file that may not activate has its turn when an activation without an end fails`() {
        let story = Story(Story.crypttab(["root"], "/key luks,try-empty-password"))
        _ = story.appear("root")
        _ = story.end("read /key", .keyRead)
        let key = story.job("key root")
        #expect(story.requestActivation("unlock root"))
        _ = story.wait(180)
        #expect(!story.requestActivation(key))
        #expect(story.endJob(key, .done(.notPermitted)) == [])
        #expect(story.end("unlock root", .failed("io")) == ["key root"])
        #expect(story.open("key root").last == "go on")
    }
}
