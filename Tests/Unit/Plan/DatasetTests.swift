import Linux
import Plan
import Testing
import Wire

/// Datasets that ZFS encrypts itself, and asks for once the boot has imported their pool.
@Suite struct DatasetTests {
    private static let settings = "Initrd systemd\nDataset rpool/NATIVE\n"
    private let me = Requester.person(1, key: 1)

    /// A root in LUKS and a dataset, as `postern.conf` says more.
    private func story(_ more: String = "", _ volumes: [String] = ["root"]) -> Story {
        let story = Story(Story.crypttab(volumes), Self.settings + more)
        #expect(story.appear("root") == ["inspect root"])
        return story
    }

    /// ZFS asks two seconds later: a key's passphrases are tried at one a second.
    private func ask(_ story: Story, _ id: String, _ dataset: String = "rpool/NATIVE/debian") -> [String] {
        _ = story.wait(2)
        return story.ask(id, dataset, device: nil)
    }

    @Test func `once the volumes are open the boot imports its pools, and what ZFS asks then is asked here`() {
        let story = story()
        #expect(story.states == ["root locked?", "rpool/NATIVE queued"])
        #expect(story.detail("rpool/NATIVE") == "ZFS asks once its pool is imported")
        #expect(story.type("first", me) == ["unlock root"])
        #expect(story.open("unlock root") == ["tried 1.1: root opened", "ready"])
        #expect(story.states == ["root open", "rpool/NATIVE queued"])
        #expect(story.notices == [])
        #expect(ask(story, "ask.1").isEmpty)
        #expect(story.states == ["root open", "rpool/NATIVE locked?"])
        #expect(story.type("second", me) == ["answer ask.1"])
        #expect(story.ask().isEmpty)
        // Who asked for the passphrase ends with it, be it right or wrong.
        #expect(story.askerEnded("ask.1").isEmpty)
        #expect(story.states == ["root open", "rpool/NATIVE trying"])
        #expect(story.mountRoot() == ["tried 1.1: rpool/NATIVE opened", "go on"])
        #expect(story.states == ["root open", "rpool/NATIVE open"])
        #expect(
            story.logs.suffix(2) == [
                "rpool/NATIVE: ZFS asks for a passphrase", "rpool/NATIVE: opened by key 1 in 0.0 s",
            ])
    }

    @Test func `after a wrong passphrase ZFS asks again, and so does Postern`() {
        let story = story()
        _ = story.type("first", me)
        _ = story.open("unlock root")
        _ = ask(story, "ask.1")
        _ = story.type("wrong", me)
        #expect(story.askerEnded("ask.1").isEmpty)
        #expect(ask(story, "ask.2") == ["tried 1.1: rpool/NATIVE wrong, wait 1"])
        #expect(story.states.last == "rpool/NATIVE locked?")
        #expect(story.type("second", me).isEmpty)
        #expect(story.wait(1) == ["answer ask.2"])
        #expect(story.mountRoot() == ["tried 1.1: rpool/NATIVE opened", "go on"])
    }

    @Test func `a script's passphrase for the volumes says that the dataset is locked, and that of another opens it`() {
        let story = story()
        _ = story.type("first", Requester.script(2, key: 1))
        #expect(story.open("unlock root") == ["tried 2.1: root opened", "ready"])
        #expect(ask(story, "ask.1") == ["finish 2.1: 4 Still locked: rpool/NATIVE."])
        #expect(story.type("second", Requester.script(3, key: 1)) == ["answer ask.1"])
        #expect(story.mountRoot() == ["tried 3.1: rpool/NATIVE opened", "go on"])
    }

    @Test func `a passphrase may wait for ZFS to ask`() {
        let story = story()
        _ = story.type("first", me)
        _ = story.open("unlock root")
        #expect(story.type("second", Requester.script(3, key: 1)).isEmpty)
        #expect(ask(story, "ask.1") == ["answer ask.1"])
    }

    @Test func `ZFS that asks for another dataset has the key of the one before`() {
        let story = story("Dataset rpool/HOME\n")
        _ = story.type("first", me)
        _ = story.open("unlock root")
        _ = ask(story, "ask.1")
        _ = story.type("second", me)
        #expect(ask(story, "ask.2", "rpool/HOME") == ["tried 1.1: rpool/NATIVE opened"])
        #expect(story.type("third", me) == ["answer ask.2"])
        #expect(story.mountRoot() == ["tried 1.1: rpool/HOME opened", "go on"])
    }

    @Test func `what is answered on the console, or needs no answer, is open once the root is mounted`() {
        let story = story()
        _ = story.type("first", me)
        _ = story.open("unlock root")
        _ = ask(story, "ask.1")
        _ = story.ask()
        #expect(story.detail("rpool/NATIVE") == "it has its answer")
        #expect(story.mountRoot() == ["go on"])
        #expect(story.logs.last == "rpool/NATIVE: opened by ZFS")
    }

    @Test func `a dataset that ZFS does not ask for holds nothing up`() {
        let story = story()
        _ = story.type("first", me)
        _ = story.open("unlock root")
        #expect(story.mountRoot() == ["go on"])
        #expect(story.logs.last == "rpool/NATIVE: left, ZFS has not asked for it")
    }

    @Test func `a passphrase that is being tried when the pools are imported has its answer`() {
        let story = story("Array storage any storage-*\n", ["root", "storage-1", "storage-2"])
        _ = story.appear("storage-1", "storage-2")
        _ = story.type("first", me)
        _ = story.open("unlock root")
        _ = story.open("unlock storage-1")
        #expect(
            story.goOnNow()
                == "kill unlock storage-2, tried 1.1: root opened, storage-1 opened, storage-2 failed, ready without storage-2"
        )
        _ = ask(story, "ask.1")
        #expect(story.type("second", me) == ["answer ask.1"])
    }

    @Test func `the pools are imported without a member that did not come, and the boot goes on without it`() {
        let story = story("Array storage any storage-*\nContinueTimeout 10\n", ["root", "storage-1", "storage-2"])
        #expect(story.appear("storage-1") == ["inspect storage-1"])
        #expect(story.type("first", me) == ["unlock root", "unlock storage-1"])
        _ = story.open("unlock root")
        #expect(story.open("unlock storage-1") == ["tried 1.1: root opened, storage-1 opened"])
        #expect(story.wait(10) == ["ready without storage-2"])
        // It is the system's from here on.
        #expect(story.plug("/dev/storage-2", uuid: Story.uuid("storage-2")).isEmpty)
        #expect(story.states == ["root open", "storage-1 open", "storage-2 left", "rpool/NATIVE queued"])
        _ = ask(story, "ask.1")
        #expect(story.type("second", me) == ["answer ask.1"])
        #expect(story.mountRoot() == ["tried 1.1: rpool/NATIVE opened", "go on without storage-2"])
    }

    @Test func `the boot can be told to go on with the volumes, and not without the dataset`() {
        let story = story("Array storage any storage-*\n", ["root", "storage-1", "storage-2"])
        _ = story.appear("storage-1")
        _ = story.type("first", me)
        _ = story.open("unlock root")
        _ = story.open("unlock storage-1")
        #expect(story.goOnNow() == "ready without storage-2")
        #expect(story.goOnNow() == "The boot cannot do without: rpool/NATIVE.")
    }

    @Test func `a dataset alone waits for ZFS, and another question is none about it`() {
        let story = Story("", Self.settings)
        #expect(story.go() == ["ready"])
        for other in ["rpool", "rpool/NATIVES", "/dev/rpool/NATIVE"] {
            #expect(story.ask("ask.1", other, device: nil).isEmpty)
            #expect(story.states == ["rpool/NATIVE queued"])
        }
        #expect(ask(story, "ask.2", "rpool/NATIVE").isEmpty)
        #expect(story.states == ["rpool/NATIVE locked?"])
    }

    @Test func `a rehearsal, and an initrd without systemd, know of no dataset`() {
        #expect(Story(Story.crypttab(["root"]), Self.settings, rehearsal: true).states == ["root device-missing"])
        let other = Story(Story.crypttab(["root"]), "Initrd initramfs-tools\nDataset rpool/NATIVE\n")
        #expect(other.states == ["root device-missing"])
    }
}
