import Config
import Linux
import Plan
import Testing
import Wire

/// When the boot goes on, and without what.
@Suite struct BootTests {
    private static let members = ["s1", "s2", "s3", "s4"]

    private func pool(_ policy: String, _ more: String = "") -> Story {
        let story = Story(
            Story.crypttab(["root"] + BootTests.members), "Array pool \(policy) s*\nContinueTimeout 60\n\(more)")
        _ = story.appear("root", "s1", "s2", "s3")
        _ = story.type("one", .console)
        _ = story.open("unlock root")
        return story
    }

    @Test func `a quorum is waited for without limit, and the rest for ContinueTimeout`() {
        let story = pool("quorum=2")
        _ = story.open("unlock s1")
        #expect(story.end("unlock s2", .wrongKey) == [])
        _ = story.end("unlock s3", .wrongKey)
        #expect(story.wait(36_000) == [])
        #expect(story.notices == ["pool needs 2 of its 4 members"])
        _ = story.type("two", .console)
        _ = story.open("unlock s2")
        _ = story.end("unlock s3", .wrongKey)
        #expect(story.notices.last == "the boot can go on; it waits up to 60 s for s3, s4")
        #expect(story.wait(59) == [])
        #expect(story.wait(1) == ["go on without s3 s4"])
    }

    @Test func `with all open before the time is over, the boot goes on at once`() {
        let story = pool("quorum=2")
        for name in ["s1", "s2", "s3"] { _ = story.open("unlock \(name)") }
        #expect(story.appear("s4") == ["inspect s4"])
        #expect(story.type("one", .console) == ["unlock s4"])
        #expect(story.open("unlock s4") == ["tried 0.1: s4 opened", "go on"])
    }

    @Test func `all members are needed by default, and one of them by any`() {
        let all = pool("all")
        for name in ["s1", "s2", "s3"] { _ = all.open("unlock \(name)") }
        #expect(all.wait(36_000) == [])
        let any = pool("any")
        _ = any.open("unlock s1")
        _ = any.end("unlock s2", .wrongKey)
        _ = any.end("unlock s3", .wrongKey)
        #expect(any.wait(60) == ["go on without s2 s3 s4"])
    }

    @Test func `a quorum of more than there are is all of them`() {
        let story = Story(Story.crypttab(["a", "b"]), "Array pool quorum=5 *")
        _ = story.appear("a", "b")
        _ = story.type("x", .console)
        _ = story.open("unlock a")
        _ = story.end("unlock b", .wrongKey)
        #expect(story.wait(600) == [])
        _ = story.type("y", .console)
        #expect(story.open("unlock b").last == "go on")
    }

    @Test func `members of the native opener do not count`() {
        let story = Story(Story.crypttab(["a", "b", "c"]), "Array pool quorum=2 *\nContinueTimeout 0")
        story.tokens = ["a": ["clevis"], "b": ["clevis"]]
        _ = story.appear("a", "b", "c")
        #expect(story.notices == ["pool needs 1 of its 1 members"])
        _ = story.type("x", .console)
        #expect(story.open("unlock c").last == "go on")
    }

    @Test func `nofail and timeout= are waited for as long as they say`() {
        let story = Story(
            """
            \(Story.crypttab(["root"]))
            \(Story.crypttab(["short"], "none luks,nofail"))
            \(Story.crypttab(["long"], "none luks,nofail,timeout=90s"))
            """, "ContinueTimeout 30")
        _ = story.appear("root")
        _ = story.type("x", .console)
        _ = story.open("unlock root")
        #expect(story.logs.last == "the boot can go on; waiting for short, long")
        #expect(story.wait(89) == [])
        #expect(story.wait(1) == ["go on without short long"])
    }

    @Test func `the time runs only while the boot could go on`() {
        let story = Story(Story.crypttab(["root"]) + "\n" + Story.crypttab(["spare"], "none luks,nofail"))
        _ = story.go()
        #expect(story.wait(600) == [])
        _ = story.appear("root")
        _ = story.type("x", .console)
        _ = story.open("unlock root")
        #expect(story.wait(59) == [])
        #expect(story.wait(1) == ["go on without spare"])
    }

    @Test func `a key that is being derived is worth a minute more, and a hanging disk is not`() {
        let story = pool("any")
        _ = story.open("unlock s1")
        _ = story.end("unlock s2", .wrongKey)
        #expect(story.wait(60) == [])
        #expect(
            story.open("unlock s3") == [
                "tried 0.1: root opened, s1 opened, s2 wrong, s3 opened", "go on without s2 s4",
            ])
        let hanging = pool("any")
        _ = hanging.open("unlock s1")
        _ = hanging.end("unlock s2", .wrongKey)
        #expect(hanging.wait(119) == [])
        let told = hanging.wait(1)
        #expect(told.first == "kill unlock s3")
        #expect(told.last == "go on without s2 s3 s4")
    }

    @Test func `a volume that is being activated is not cut off`() {
        let story = pool("any")
        _ = story.open("unlock s1")
        _ = story.end("unlock s2", .wrongKey)
        #expect(story.requestActivation("unlock s3"))
        #expect(story.wait(119) == [])
        #expect(story.end("unlock s3", .opened(slot: 0)).last == "go on without s2 s4")
    }

    @Test func `one that hangs holds the boot up for a minute more, and is not killed`() {
        let story = pool("any")
        _ = story.open("unlock s1")
        _ = story.end("unlock s2", .wrongKey)
        #expect(story.requestActivation("unlock s3"))
        #expect(story.wait(119) == [])
        #expect(
            story.wait(1) == [
                "tried 0.1: root opened, s1 opened, s2 wrong, s3 failed", "go on without s2 s3 s4",
            ])
    }

    @Test func `nor is one whose header cannot be read any more meanwhile`() {
        let story = Story(Story.crypttab(["spare"], "none luks,nofail"))
        _ = story.appear("spare")
        _ = story.type("x", .console)
        #expect(story.requestActivation("unlock spare"))
        _ = story.plug("/dev/spare", uuid: Story.uuid("spare"))
        #expect(story.end("inspect spare", .failed("read error")) == [])
        #expect(story.wait(59) == [])
        #expect(story.end("unlock spare", .opened(slot: 0)) == ["tried 0.1: spare opened", "go on"])
    }

    @Test func `when the boot goes on, those whose try is under way are told`() {
        let story = pool("any")
        _ = story.open("unlock s1")
        _ = story.end("unlock s2", .wrongKey)
        _ = story.type("late", .person(1, key: 0))
        let told = story.wait(120)
        #expect(told.contains("tried 0.1: root opened, s1 opened, s2 wrong, s3 failed"))
        #expect(told.contains { $0.hasPrefix("tried 1.1: ") })
        #expect(told.last == "go on without s2 s3 s4")
        #expect(story.type("later", .person(1, key: 0)) == [])
        #expect(story.plan.deadline(now: story.now) == nil)
    }

    @Test func `a deadline that passes between two questions is not lost`() {
        let story = Story(Story.crypttab(["spare"], "none luks,nofail"), "ContinueTimeout 10")
        #expect(story.go() == [])
        #expect(story.plan.deadline(now: story.now) == story.now + 10_000)
        #expect(story.plan.deadline(now: story.now + 20_000) == story.now + 20_001)
        #expect(story.wait(11) == ["go on without spare"])
    }
}

/// How many derivations run at once.
@Suite struct ScheduleTests {
    private func members(_ memory: UInt32, _ room: Schedule.Room) -> Story {
        let names = ["a", "b", "c", "d", "e", "f"]
        let story = Story(Story.crypttab(names))
        story.room = room
        for name in names {
            story.memory[name] = memory
            _ = story.appear(name)
        }
        return story
    }

    /// What each derivation takes, what there is, and how many run at once.
    struct Row: Sendable {
        let memory: UInt32
        let free: UInt64
        let cores: Int
        let count: Int
    }

    static let rows = [
        Row(memory: 1 << 20, free: 8 << 20, cores: 8, count: 4),
        Row(memory: 1 << 20, free: 8 << 20, cores: 2, count: 2),
        Row(memory: 1 << 20, free: (8 << 20) - 1, cores: 8, count: 3),
        Row(memory: 1 << 20, free: 1 << 20, cores: 8, count: 1),
        Row(memory: 1 << 20, free: 0, cores: 8, count: 1),
        Row(memory: 0, free: 0, cores: 3, count: 3),
        Row(memory: 1024, free: 8 << 20, cores: 64, count: 6),
    ]

    @Test(arguments: rows)
    func `derivations take at most half of the free memory and all cores, and one always runs`(row: Row) {
        let count = row.count
        let story = members(row.memory, Schedule.Room(freeMemory: row.free, cores: row.cores))
        #expect(story.type("x", .console).count == count)
        for _ in 0..<(6 - count) { #expect(story.end(story.jobs[0].name, .wrongKey).count == 1) }
        for _ in 1..<count { #expect(story.end(story.jobs[0].name, .wrongKey) == []) }
        #expect(story.end(story.jobs[0].name, .wrongKey).count == 1, "the answer")
    }

    @Test func `the room is measured anew when nothing runs`() {
        let story = members(1 << 20, Schedule.Room(freeMemory: 2 << 20, cores: 8))
        #expect(story.type("x", .console).count == 1)
        for _ in 0..<6 { _ = story.end(story.jobs[0].name, .wrongKey) }
        story.room.freeMemory = 6 << 20
        #expect(story.type("x", .console).count == 3)
    }

    @Test func `a derivation does not start before its cost is known`() {
        let story = members(1 << 20, Schedule.Room(freeMemory: 2 << 20, cores: 8))
        _ = story.type("x", .console)
        #expect(story.plug("/dev/b", uuid: Story.uuid("b")) == ["inspect b"])
        #expect(story.end("unlock a", .wrongKey) == ["unlock c"], "b's header is being read again")
        #expect(story.readHeader("b") == [])
        #expect(story.end("unlock c", .wrongKey) == ["unlock b"])
    }
}
