import Config
import Linux
import Plan
import Testing
import Wire

/// Volumes whose names something else has.
@Suite struct NameTests {
    private let taken = "the name is taken by another mapping (LVM-1): it waits until that is gone"

    private func taken(_ crypttab: String, _ configuration: String = "") -> Story {
        let story = Story(crypttab, configuration)
        _ = story.plug("/dev/root", uuid: Story.uuid("root"))
        #expect(story.readHeader("root", taken: taken) == [])
        return story
    }

    @Test func `a volume whose name is taken waits, and the boot with it, until the name is free`() {
        let story = taken(Story.crypttab(["root"]))
        #expect(story.states == ["root failed"])
        #expect(story.detail("root") == taken)
        #expect(story.logs == ["root: \(taken)"])
        #expect(story.type("x", .console) == ["tried 0.1: "])
        #expect(story.wait(3600) == [])
        // Another disk goes, which has no mapping.
        #expect(story.unplug("/dev/sdb") == [])
        #expect(story.unplug("/dev/dm-3") == ["inspect root"])
        #expect(story.readHeader("root") == [])
        #expect(story.states == ["root locked?"])
        _ = story.type("x", .console)
        #expect(story.open("unlock root").last == "go on")
    }

    @Test func `a volume whose name is taken is open once the mapping of that name is its own`() {
        let story = taken(Story.crypttab(["root"]))
        #expect(story.mapped("root") == ["inspect root"])
        #expect(story.readHeader("root", active: true) == ["go on"])
    }

    @Test func `a mapping that is being made here, and has no table yet, is no obstacle`() {
        let story = Story(Story.crypttab(["root"]))
        #expect(story.appear("root") == ["inspect root"])
        _ = story.type("x", .console)
        #expect(story.requestActivation("unlock root"))
        #expect(story.plug("/dev/root", uuid: Story.uuid("root")) == ["inspect root"])
        #expect(story.readHeader("root", taken: "its mapping is suspended, or has no table") == [])
        #expect(story.logs == [])
        #expect(story.end("unlock root", .opened(slot: 0)).last == "go on")
    }

    @Test func `a mapping that gets another name gives the name free`() {
        let story = taken(Story.crypttab(["root"]))
        #expect(story.mapped("old-root") == ["inspect root"])
        #expect(story.readHeader("root") == [])
        #expect(story.states == ["root locked?"])
        #expect(story.mapped("another") == [])
    }

    @Test func `when events were lost, names are looked at again`() {
        let story = taken(Story.crypttab(["root"]))
        #expect(story.present(["/dev/root"]) == ["inspect root"])
    }

    @Test func `the log says once why a name is not free, however often it is looked at`() {
        let story = taken(Story.crypttab(["root"]))
        for _ in 0..<5 {
            #expect(story.mapped("other") == ["inspect root"])
            #expect(story.readHeader("root", taken: taken) == [])
        }
        #expect(story.logs == ["root: \(taken)"])
        #expect(story.mapped("other") == ["inspect root"])
        _ = story.readHeader("root")
        #expect(story.mapped("root") == ["inspect root"])
        _ = story.readHeader("root", taken: taken)
        #expect(story.logs == ["root: \(taken)", "root: \(taken)"])
    }

    @Test func `the boot goes on without a volume that it does not need, and leaves its name to nobody`() {
        let story = taken(Story.crypttab(["root"], "none luks,nofail") + "\n" + Story.crypttab(["home"]))
        #expect(story.appear("home") == ["inspect home"])
        _ = story.type("x", .console)
        #expect(story.open("unlock home").last == "go on without root")
    }

    @Test func `a name that is taken while the key is tried costs that try alone`() {
        let story = Story(Story.crypttab(["root"], "/key luks"))
        _ = story.go()
        _ = story.end("read /key", .keyRead)
        #expect(story.appear("root") == ["inspect root", "key root"])
        #expect(story.mapped("root") == ["inspect root"])
        #expect(story.end("key root", .failed(taken)) == [])
        _ = story.readHeader("root", taken: taken)
        #expect(story.states == ["root failed"])
        // The key file, too, has its turn again.
        #expect(story.unplug("/dev/dm-0") == ["inspect root", "read /key"])
        #expect(story.readHeader("root") == [])
        #expect(story.end("read /key", .keyRead) == ["key root"])
        #expect(story.open("key root").last == "go on")
    }

    @Test func `a volume that clevis opens is left, whoever has its name`() {
        let story = Story(Story.crypttab(["root"]))
        story.tokens["root"] = ["clevis"]
        _ = story.plug("/dev/root", uuid: Story.uuid("root"))
        _ = story.readHeader("root", taken: taken)
        #expect(story.states == ["root left"])
    }
}
