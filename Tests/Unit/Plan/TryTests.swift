import Config
import Linux
import Plan
import Testing
import Wire

/// Wrong passphrases, several people at once, and those who leave.
@Suite struct TryTests {
    private func root() -> Story {
        let story = Story(Story.crypttab(["root"]))
        _ = story.appear("root")
        return story
    }

    @Test func `a wrong passphrase costs its key a delay that doubles up to half a minute`() {
        let story = root()
        for delay in [1, 2, 4, 8, 16, 30, 30] {
            #expect(story.type("wrong", .person(1, key: 0)) == ["unlock root"])
            #expect(story.end("unlock root", .wrongKey) == ["tried 1.1: root wrong, wait \(delay)"])
            #expect(story.type("early", .person(1, key: 0)) == [])
            #expect(story.wait(Double(delay) - 0.1) == [])
            #expect(story.close(.person(1, key: 0)) == [])
            _ = story.wait(0.1)
        }
        #expect(story.type("wrong", .person(2, key: 1)) == ["unlock root"], "another key does not wait for it")
    }

    @Test func `the console stands outside of the brake`() {
        let story = root()
        for _ in 0..<5 {
            #expect(story.type("wrong", .console) == ["unlock root"])
            #expect(story.end("unlock root", .wrongKey) == ["tried 0.1: root wrong"])
        }
        #expect(story.type("wrong", .person(1, key: 0)) == ["unlock root"])
        #expect(story.type("right", .console) == ["unlock root"], "ssh does not hold it up")
    }

    @Test func `only a passphrase that opened something clears the delay`() {
        let story = Story(Story.crypttab(["root", "home"]))
        _ = story.appear("root", "home")
        for delay in [1, 2] {
            _ = story.type("wrong", .person(1, key: 0))
            _ = story.end("unlock root", .wrongKey)
            #expect(story.end("unlock home", .wrongKey) == ["tried 1.1: root wrong, home wrong, wait \(delay)"])
            _ = story.wait(Double(delay))
        }
        _ = story.type("right", .person(1, key: 0))
        _ = story.open("unlock root")
        _ = story.end("unlock home", .wrongKey)
        _ = story.wait(1)
        _ = story.type("wrong", .person(1, key: 0))
        #expect(story.end("unlock home", .wrongKey) == ["tried 1.1: home wrong, wait 1"])
    }

    @Test func `keys take turns, one try a second`() {
        let story = root()
        #expect(story.type("x", .person(1, key: 0)) == ["unlock root"])
        #expect(story.type("x", .person(2, key: 0)) == [])
        #expect(story.type("x", .person(3, key: 1)) == [])
        #expect(story.end("unlock root", .failed("cold")) == ["tried 1.1: root failed"])
        #expect(story.wait(0.9) == [])
        #expect(story.wait(0.1) == ["unlock root"])
        #expect(story.end("unlock root", .failed("cold")) == ["tried 3.1: root failed"])
        #expect(story.wait(1) == ["unlock root"])
        #expect(story.end("unlock root", .failed("cold")) == ["tried 2.1: root failed"])
    }

    @Test func `the first right answer wins, and the other is told that it is open`() {
        let story = root()
        _ = story.type("right", .person(1, key: 0))
        _ = story.type("right", .console)
        #expect(story.jobs.count == 2)
        #expect(
            story.open("unlock root") == [
                "kill unlock root", "tried 0.1: root alreadyOpen", "tried 1.1: root opened", "go on",
            ])
    }

    @Test func `who may not activate a volume has another turn when the one who may fails`() {
        let story = root()
        _ = story.type("right", .person(1, key: 0))
        _ = story.type("right", .console)
        let (first, second) = (story.jobs[0].job, story.jobs[1].job)
        #expect(story.requestActivation(first))
        #expect(!story.requestActivation(second))
        #expect(story.endJob(second, .done(.notPermitted)) == [], "nothing is open yet")
        #expect(story.states == ["root trying?"])
        #expect(
            story.endJob(first, .done(.failed("no device-mapper"))) == ["tried 1.1: root failed", "unlock root"])
        #expect(story.open("unlock root") == ["tried 0.1: root opened", "go on"])
    }

    @Test func `who may not activate a volume learns of it when the one who may has opened it`() {
        let story = root()
        _ = story.type("right", .person(1, key: 0))
        _ = story.type("right", .console)
        let (first, second) = (story.jobs[0].job, story.jobs[1].job)
        #expect(story.requestActivation(first))
        #expect(!story.requestActivation(second))
        _ = story.endJob(second, .done(.notPermitted))
        #expect(
            story.endJob(first, .done(.opened(slot: 0))) == [
                "tried 0.1: root alreadyOpen", "tried 1.1: root opened", "go on",
            ])
    }

    @Test func `a key file that may not activate does not make the volume count as open`() {
        let story = Story(Story.crypttab(["root"], "/key luks,try-empty-password"))
        _ = story.appear("root")
        _ = story.end("read /key", .keyRead)
        let (empty, key) = (story.job("unlock root"), story.job("key root"))
        #expect(story.requestActivation(empty))
        #expect(!story.requestActivation(key))
        #expect(story.endJob(key, .done(.notPermitted)) == [])
        #expect(!story.plan.continues)
        #expect(story.endJob(empty, .done(.failed("busy"))) == ["key root"])
        #expect(story.open("key root").last == "go on")
    }

    @Test func `a worker that finds the mapping there while another makes it does not end that one`() {
        let story = Story(Story.crypttab(["root"], "/key luks,try-empty-password"))
        _ = story.appear("root")
        _ = story.end("read /key", .keyRead)
        let (empty, key) = (story.job("unlock root"), story.job("key root"))
        #expect(story.requestActivation(empty))
        #expect(story.endJob(key, .done(.alreadyOpen)) == [])
        #expect(story.endJob(empty, .done(.opened(slot: 0))).last == "go on")
    }

    @Test func `a mapping that somebody else made counts as open`() {
        let story = root()
        _ = story.type("x", .console)
        #expect(story.end("unlock root", .alreadyOpen) == ["tried 0.1: root alreadyOpen", "go on"])
    }

    @Test func `a mapping that is there counts as open, whatever became of its header`() {
        let story = root()
        _ = story.type("x", .console)
        _ = story.plug("/dev/root", uuid: Story.uuid("root"))
        #expect(story.end("inspect root", .failed("read error")) == [])
        #expect(story.end("unlock root", .alreadyOpen) == ["tried 0.1: root alreadyOpen", "go on"])
    }

    @Test func `a lost connection does not cancel a running try`() {
        let story = root()
        _ = story.type("right", .person(1, key: 0))
        #expect(story.leaveSession(.person(1, key: 0)) == [])
        #expect(story.open("unlock root") == ["go on"], "nobody is left to be told")
        #expect(story.logs.contains("root: opened by key 0 in 0.0 s"))
    }

    @Test func `a try that waits for its turn is dropped with its channel`() {
        let story = root()
        _ = story.type("wrong", .person(1, key: 0))
        _ = story.end("unlock root", .wrongKey)
        _ = story.type("typed", .person(1, key: 0))
        #expect(story.close(.person(1, key: 0)) == [])
        #expect(story.secrets["typed"]?.secret == nil)
        #expect(story.wait(60) == [])
    }

    @Test func `a new channel of an old number is not told of the old one's try`() {
        let story = root()
        _ = story.type("wrong", .person(1, key: 0))
        _ = story.close(.person(1, key: 0))
        _ = story.type("other", .person(1, key: 0))
        #expect(story.end("unlock root", .wrongKey) == [])
        #expect(story.wait(1) == ["unlock root"])
        #expect(story.end("unlock root", .wrongKey) == ["tried 1.1: root wrong, wait 2"])
    }

    @Test func `a prompt that was taken back while somebody typed is answered`() {
        let story = Story(Story.crypttab(["root"], "/key luks"))
        _ = story.appear("root")
        #expect(story.type("late", .console) == ["tried 0.1: "])
    }

    @Test func `a worker that dies costs its try only`() {
        let story = root()
        _ = story.type("right", .person(1, key: 0))
        #expect(story.end("unlock root", .died(137)) == ["tried 1.1: root failed"])
        #expect(story.logs.last == "root: its worker was ended by signal 9")
        _ = story.wait(1)
        #expect(story.type("right", .person(1, key: 0)) == ["unlock root"])
    }

    @Test func `a worker that is killed at a costly derivation is said to take so much memory`() {
        let story = Story(Story.crypttab(["root"]))
        story.memory["root"] = 1 << 20
        _ = story.appear("root")
        _ = story.type("right", .person(1, key: 0))
        #expect(story.end("unlock root", .died(137)) == ["tried 1.1: root failed"])
        let reason = "root: its worker was ended by signal 9; its key derivation takes 1024 MiB of memory"
        #expect(story.logs.last == reason)
    }

    @Test func `a passphrase waits for headers that are being read`() {
        let story = Story(Story.crypttab(["root", "home", "spare"]))
        _ = story.appear("root")
        _ = story.plug("/dev/home", uuid: Story.uuid("home"))
        #expect(story.type("x", .person(1, key: 0)) == [])
        #expect(story.type("x", .console) == [])
        #expect(story.wait(9) == [])
        // The spare disk, whose device is not there, is not waited for.
        #expect(story.readHeader("home") == ["unlock root", "unlock home", "unlock root", "unlock home"])
    }

    @Test func `nor is it taken back when the header of its volume is read anew`() {
        let story = Story(Story.crypttab(["root", "home"]))
        _ = story.appear("root")
        _ = story.plug("/dev/home", uuid: Story.uuid("home"))
        #expect(story.type("x", .console) == [])
        #expect(story.plug("/dev/root", uuid: Story.uuid("root")) == ["inspect root"])
        #expect(story.readHeader("home") == [])
        #expect(story.readHeader("root") == ["unlock root", "unlock home"])
    }

    @Test func `it waits for devices that are being looked at where one is missing`() {
        let story = Story(Story.crypttab(["root", "home"]))
        story.isLooking = true
        _ = story.appear("root")
        #expect(story.type("x", .console) == [])
        _ = story.plug("/dev/home", uuid: Story.uuid("home"))
        #expect(story.readHeader("home") == ["unlock root", "unlock home"])
    }

    @Test func `and the boot waits for it meanwhile`() {
        let story = Story(Story.crypttab(["root"]) + "\n" + Story.crypttab(["a", "b"], "none luks,nofail"))
        _ = story.appear("root", "a")
        _ = story.type("x", .console)
        _ = story.open("unlock root")
        _ = story.end("unlock a", .wrongKey)
        #expect(story.wait(55) == [])
        _ = story.plug("/dev/b", uuid: Story.uuid("b"))
        #expect(story.type("y", .console) == [])
        #expect(story.wait(9.9) == [])
        #expect(story.wait(0.1) == ["unlock a"])
        #expect(story.open("unlock a") == ["tried 0.1: a opened", "kill inspect b", "go on without b"])
    }

    @Test func `a disk that hangs holds it up for ten seconds`() {
        let story = Story(Story.crypttab(["root", "home"]))
        _ = story.appear("root")
        _ = story.plug("/dev/home", uuid: Story.uuid("home"))
        #expect(story.type("x", .console) == [])
        #expect(story.wait(9.9) == [])
        #expect(story.wait(0.1) == ["unlock root"])
        #expect(story.end("unlock root", .wrongKey) == ["tried 0.1: root wrong"])
    }

    @Test func `the header of a volume with a key file holds up nobody`() {
        let story = Story(Story.crypttab(["root"]) + "\n" + Story.crypttab(["member"], "/key luks"))
        _ = story.appear("root")
        _ = story.plug("/dev/member", uuid: Story.uuid("member"))
        #expect(story.type("x", .console) == ["unlock root"])
    }

    @Test func `a derivation without end is given up, but not one that activates`() {
        let story = root()
        _ = story.type("x", .person(1, key: 0))
        #expect(story.wait(601) == ["kill unlock root", "tried 1.1: root failed"])
        _ = story.type("x", .person(1, key: 0))
        #expect(story.requestActivation("unlock root"))
        #expect(story.wait(3600) == ["tried 1.1: root failed"])
        #expect(story.end("unlock root", .opened(slot: 0)).last == "go on")
    }

    @Test func `tries= gives a volume up that the boot can do without`() {
        let story = Story(
            Story.crypttab(["root"]) + "\n" + Story.crypttab(["spare"], "none luks,nofail,tries=2"))
        _ = story.appear("root", "spare")
        for _ in 0..<2 {
            _ = story.type("x", .console)
            _ = story.end("unlock root", .wrongKey)
            _ = story.end("unlock spare", .wrongKey)
        }
        #expect(story.states == ["root locked?", "spare failed"])
        #expect(story.type("right", .console) == ["unlock root"])
        #expect(story.open("unlock root") == ["tried 0.1: root opened", "go on without spare"])
    }

    @Test func `tries= never shuts an owner out of what the boot needs`() {
        let story = Story(Story.crypttab(["a", "b"], "none luks,tries=1"), "Array pool any a b")
        _ = story.appear("a", "b")
        for _ in 0..<5 {
            #expect(story.type("x", .console) == ["unlock a", "unlock b"])
            _ = story.end("unlock a", .wrongKey)
            _ = story.end("unlock b", .wrongKey)
        }
        #expect(story.states == ["a locked?", "b locked?"])
    }
}
