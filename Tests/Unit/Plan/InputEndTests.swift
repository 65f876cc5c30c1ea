import Plan
import Testing
import Wire

/// Terminals whose input ends, and what the brake holds.
@Suite struct InputEndTests {
    private func story(_ names: [String] = ["root"], _ settings: String = "") -> Story {
        let story = Story(Story.crypttab(names), settings)
        for name in names { _ = story.appear(name) }
        return story
    }

    private let alice = Requester.person(1, key: 0)

    @Test func `what is being tried has the exit code of one without a terminal`() {
        let story = story()
        _ = story.type("wrong", alice)
        #expect(story.endInput(alice) == [])
        #expect(story.end("unlock root", .wrongKey) == ["tried 1.1: root wrong, wait 1", "finish 1.1: 3 "])
    }

    @Test func `what was answered already has it, too, and once`() {
        let story = story()
        _ = story.type("wrong", alice)
        #expect(story.end("unlock root", .wrongKey) == ["tried 1.1: root wrong, wait 1"])
        #expect(story.wait(1000) == [])
        #expect(story.endInput(alice) == ["finish 1.1: 3 "])
        #expect(story.endInput(alice) == [])
    }

    @Test func `the last passphrase counts`() {
        let story = story(["root", "data"])
        _ = story.type("right", alice)
        _ = story.open("unlock root")
        _ = story.end("unlock data", .wrongKey)
        _ = story.wait(2)
        #expect(story.type("wrong", alice) == ["unlock data"])
        _ = story.end("unlock data", .wrongKey)
        #expect(story.endInput(alice) == ["finish 1.1: 3 "])
        let other = self.story(["root", "data"])
        _ = other.type("right", alice)
        _ = other.open("unlock root")
        _ = other.end("unlock data", .wrongKey)
        #expect(other.endInput(alice) == ["finish 1.1: 4 Still locked: data."])
    }

    @Test func `one that nothing was left to try on waits as one without a terminal`() {
        let story = Story(Story.crypttab(["root"]), "ContinueTimeout 10")
        #expect(story.type("early", alice) == ["tried 1.1: "])
        #expect(story.endInput(alice) == [])
        #expect(story.wait(9) == [])
        #expect(story.wait(2).first?.hasPrefix("finish 1.1: 5 root: device") == true)
    }

    @Test func `a channel that is closed has nothing more to be told`() {
        let story = story()
        _ = story.type("wrong", alice)
        _ = story.end("unlock root", .wrongKey)
        _ = story.close(alice)
        #expect(story.endInput(alice) == [])
    }

    @Test func `what the brake holds is known by the second, to its own key and to others`() {
        let story = story()
        #expect(story.held(0) == 0)
        for delay in [1.0, 2, 4] {
            _ = story.type("wrong", alice)
            _ = story.end("unlock root", .wrongKey)
            _ = story.wait(delay)
        }
        _ = story.type("wrong", alice)
        #expect(story.held(0) == 0, "it is tried at once")
        _ = story.end("unlock root", .wrongKey)
        _ = story.type("early", alice)
        #expect(story.held(0) == 8 && story.held(1) == 8)
        _ = story.wait(2.5)
        #expect(story.held(0) == 6)
        // Another key's turn comes first, and this one's delay is still its own.
        _ = story.type("wrong", .person(2, key: 1))
        _ = story.end("unlock root", .wrongKey)
        _ = story.type("wrong", .person(2, key: 1))
        #expect(story.held(0) == 6 && story.held(1) == 1 && story.held(2) == 1)
        _ = story.wait(1)
        _ = story.end("unlock root", .wrongKey)
        #expect(story.held(0) == 5)
        _ = story.close(alice)
        #expect(story.held(0) == 0)
    }

    @Test func `nothing is held while there is nothing to try it on`() {
        let story = story()
        _ = story.type("wrong", alice)
        _ = story.end("unlock root", .wrongKey)
        _ = story.type("early", alice)
        #expect(story.held(0) == 1)
        _ = story.unplug("/dev/root")
        #expect(story.held(0) == 0)
    }
}
