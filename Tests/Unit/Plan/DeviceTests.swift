import Config
import Linux
import Plan
import Testing
import Wire

/// Devices that come, go, and answer to one name.
@Suite struct DeviceTests {
    @Test func `a device that disappears and comes back is read anew`() {
        let story = Story(Story.crypttab(["root"]))
        _ = story.appear("root")
        #expect(story.unplug("/dev/root") == [])
        #expect(story.states == ["root device-missing"])
        #expect(story.appear("root") == ["inspect root"])
        #expect(story.states == ["root locked?"])
    }

    @Test func `a volume that is refused is tried by nobody, and the boot goes on without it where it can`() {
        let story = Story("a UUID=aa none luks\nb /dev/b /key luks,nofail,x-postern.uuid=bb\nc /dev/c none luks")
        _ = story.plug("/dev/a", uuid: "aa")
        _ = story.readHeader("a")
        _ = story.path("/dev/b", isThere: true)
        _ = story.path("/dev/c", isThere: true)
        _ = story.readHeader("c")
        #expect(story.end("inspect b", .failed("/dev/b is refused: why")) == [])
        #expect(story.states == ["a locked?", "b failed", "c locked?"])
        #expect(story.detail("b") == "/dev/b is refused: why")
        #expect(story.logs.contains("b: /dev/b is refused: why"))
        #expect(story.end("read /key", .keyRead).allSatisfy { !$0.hasSuffix(" b") })
        #expect(story.type("x", .console) == ["unlock a", "unlock c"])
        #expect(story.wanted == ["inspect a": "aa", "inspect b": "bb", "unlock a": "aa"])
        _ = story.open("unlock a")
        #expect(story.open("unlock c").last == "go on without b")
    }

    @Test func `a volume that is refused and needed is waited for until the right one is there`() {
        let story = Story("root /dev/root none luks,x-postern.uuid=aa")
        _ = story.path("/dev/root", isThere: true)
        _ = story.end("inspect root", .failed("/dev/root is refused: why"))
        #expect(story.wait(3600) == [])
        #expect(story.states == ["root failed"])
        #expect(story.plug("/dev/root", uuid: "aa") == ["inspect root"])
        _ = story.readHeader("root")
        #expect(story.states == ["root locked?"])
    }

    @Test func `a header that is being read when its device goes is forgotten`() {
        let story = Story(Story.crypttab(["root"]))
        #expect(story.plug("/dev/root", uuid: Story.uuid("root")) == ["inspect root"])
        #expect(story.unplug("/dev/root") == ["kill inspect root"])
        #expect(story.appear("root") == ["inspect root"])
    }

    @Test func `a try that waits for a device that goes is answered`() {
        let story = Story(Story.crypttab(["a", "b"]))
        story.room.cores = 1
        _ = story.appear("a", "b")
        _ = story.type("x", .console)
        #expect(story.unplug("/dev/b") == [])
        #expect(story.end("unlock a", .wrongKey) == ["tried 0.1: b failed, a wrong"])
    }

    @Test func `a volume that failed under a path gets another chance when any device changes`() {
        let story = Story("root /dev/md0 none luks")
        #expect(story.path("/dev/md0", isThere: true) == ["inspect root"])
        _ = story.end("inspect root", .failed("no LUKS header on /dev/md0"))
        #expect(story.states == ["root failed"])
        #expect(story.plug("/dev/sdb", uuid: "1-1", type: "linux_raid_member") == ["inspect root"])
    }

    @Test func `a header that is read again while its volume is activated does not cut that off`() {
        let story = Story(Story.crypttab(["root"]))
        _ = story.appear("root")
        _ = story.type("x", .console)
        let job = story.job("unlock root")
        #expect(story.requestActivation("unlock root"))
        #expect(story.plan.isActivating(job))
        _ = story.plug("/dev/root", uuid: Story.uuid("root"))
        _ = story.readHeader("root", active: true)
        #expect(story.plan.isActivating(job))
        #expect(story.end("unlock root", .opened(slot: 0)).contains("tried 0.1: root opened"))
    }

    @Test func `a volume that somebody else opens is seen to be open`() {
        let story = Story(Story.crypttab(["root", "data"]))
        _ = story.appear("root", "data")
        #expect(story.mapped("other") == [])
        #expect(story.mapped("root") == ["inspect root"])
        #expect(story.readHeader("root", active: true) == [])
        #expect(story.states == ["root open", "data locked?"])
        // The agent's own mapping is no news.
        _ = story.type("right", .console)
        #expect(story.requestActivation("unlock data"))
        #expect(story.mapped("data") == [])
        #expect(story.end("unlock data", .opened(slot: 0)).last == "go on")
        #expect(story.mapped("data") == [])
    }

    @Test func `a header that cannot be read gets another chance when its device changes`() {
        let story = Story(Story.crypttab(["root"]))
        _ = story.plug("/dev/root", uuid: Story.uuid("root"))
        _ = story.end("inspect root", .failed("no LUKS header on /dev/root"))
        #expect(story.states == ["root failed"])
        #expect(story.detail("root") == "no LUKS header on /dev/root")
        #expect(story.appear("root") == ["inspect root"])
        #expect(story.states == ["root locked?"])
    }

    @Test func `a worker that dies over a header is started again, twice`() {
        let story = Story(Story.crypttab(["root"]))
        _ = story.plug("/dev/root", uuid: Story.uuid("root"))
        #expect(story.end("inspect root", .died(137)) == ["inspect root"])
        #expect(story.end("inspect root", .died(137)) == ["inspect root"])
        #expect(story.end("inspect root", .died(137)) == [])
        #expect(story.detail("root") == "its worker was ended by signal 9")
    }

    @Test func `a disk that hangs when its header is read is given up`() {
        let story = Story(Story.crypttab(["root"]))
        _ = story.plug("/dev/root", uuid: Story.uuid("root"))
        #expect(story.wait(60) == ["kill inspect root"])
        #expect(story.detail("root") == "no end after 60 seconds")
    }

    @Test func `two devices of one UUID are both named, and neither is used`() {
        let story = Story(Story.crypttab(["root"]))
        _ = story.appear("root")
        _ = story.plug("/dev/copy", uuid: Story.uuid("root"))
        #expect(story.states == ["root device-missing"])
        #expect(story.detail("root") == "/dev/root and /dev/copy both answer to it; neither is used")
        #expect(story.unplug("/dev/copy") == ["inspect root"])
    }

    @Test(
        arguments: [
            (["/dev/sda1", "/dev/sdb1", "/dev/md127"], "/dev/md127"),
            (["/dev/sda", "/dev/sdb", "/dev/dm-0"], "/dev/dm-0"),
            (["/dev/dm-0", "/dev/dm-1"], nil),
            (["/dev/sda", "/dev/md0", "/dev/dm-1"], nil),
        ])
    func `of parts and their whole, the whole is meant`(devices: [String], used: String?) {
        let story = Story(Story.crypttab(["root"]))
        for device in devices { _ = story.plug(device, uuid: Story.uuid("root").uppercased()) }
        #expect(story.states == [used == nil ? "root device-missing" : "root checking"])
    }

    @Test func `another filesystem of the same UUID is not meant`() {
        let story = Story(Story.crypttab(["root"]))
        _ = story.appear("root")
        #expect(story.plug("/dev/sdz", uuid: Story.uuid("root"), type: "ext4") == [])
        #expect(story.states == ["root locked?"])
    }

    @Test func `a path and a detached header must both be there`() {
        let story = Story("root /dev/disk/by-id/x none luks,header=/etc/root.header")
        #expect(story.plan.watchedPaths == ["/dev/disk/by-id/x", "/etc/root.header"])
        #expect(story.path("/dev/disk/by-id/x", isThere: true) == [])
        #expect(story.detail("root") == "its header /etc/root.header is missing")
        #expect(story.path("/etc/root.header", isThere: true) == ["inspect root"])
        #expect(story.path("/etc/root.header", isThere: false) == ["kill inspect root"])
    }

    @Test func `a header that was read by its path is not read again when its device is first looked at`() {
        let story = Story("root /dev/loop5 none luks")
        #expect(story.path("/dev/loop5", isThere: true) == ["inspect root"])
        _ = story.readHeader("root")
        #expect(story.plug("/dev/loop5", uuid: Story.uuid("root")) == [])
        #expect(story.states == ["root locked?"])
        // What is said after that is news.
        #expect(story.plug("/dev/loop5", uuid: Story.uuid("root")) == ["inspect root"])
    }

    @Test func `what is known of devices that are not there any more is dropped`() {
        let story = Story(Story.crypttab(["a", "b"]))
        _ = story.appear("a", "b")
        #expect(story.present(["/dev/b", "/dev/c"]) == [])
        #expect(story.states == ["a device-missing", "b locked?"])
    }
}

/// Key files that do not do what they should.
@Suite struct KeyFileTests {
    private static let entry = "/key:UUID=5555-5555 luks"

    private func members() -> Story {
        let story = Story(Story.crypttab(["a", "b"], KeyFileTests.entry))
        _ = story.appear("a", "b")
        return story
    }

    private func plugKey(_ story: Story, _ path: String = "/dev/sdk1") -> [String] {
        story.plug(path, uuid: "5555-5555", type: "vfat")
    }

    @Test func `members are asked for when the key volume has not appeared after the grace`() {
        let story = members()
        #expect(story.states == ["a waiting-for-key", "b waiting-for-key"])
        _ = story.wait(5)
        #expect(story.states == ["a locked?", "b locked?"])
        #expect(story.notices == ["key file /key on UUID=5555-5555: the key volume has not appeared"])
        #expect(story.type("x", .console) == ["unlock a", "unlock b"])
    }

    @Test(
        arguments: [("keyfile-timeout=20s", 20.0), ("keyfile-timeout=0", 5.0)])
    func `keyfile-timeout= overrides the grace, and 0 does not mean for ever`(option: String, seconds: Double) {
        let story = Story(Story.crypttab(["a"], "\(KeyFileTests.entry),\(option)"))
        _ = story.appear("a")
        _ = story.wait(seconds - 0.5)
        #expect(story.states == ["a waiting-for-key"])
        _ = story.wait(0.5)
        #expect(story.states == ["a locked?"])
    }

    @Test func `a key volume that comes after the question is used nevertheless`() {
        let story = members()
        _ = story.wait(60)
        #expect(plugKey(story) == ["read /dev/sdk1/key"])
        #expect(story.end("read /dev/sdk1/key", .keyRead) == ["key a", "key b"])
    }

    @Test func `a key file that cannot be read is named, and a change of its volume is another chance`() {
        let story = members()
        _ = plugKey(story)
        let reason = "no file /key on UUID=5555-5555"
        #expect(story.end("read /dev/sdk1/key", .failed(reason)) == [])
        #expect(story.states == ["a locked?", "b locked?"])
        #expect(story.notices == [reason])
        #expect(story.detail("a") == reason)
        #expect(story.plug("/dev/other", uuid: "99-99") == [])
        #expect(plugKey(story) == ["read /dev/sdk1/key"])
    }

    @Test func `a stick pulled while it is read is read when it comes back`() {
        let story = members()
        _ = plugKey(story)
        #expect(story.unplug("/dev/sdk1") == [])
        #expect(story.end("read /dev/sdk1/key", .failed("gone")) == [])
        #expect(plugKey(story) == ["read /dev/sdk1/key"])
        #expect(story.unplug("/dev/sdk1") == [])
        #expect(plugKey(story) == [])
        #expect(story.end("read /dev/sdk1/key", .failed("gone")) == ["read /dev/sdk1/key"])
    }

    @Test func `a key volume that hangs is given up, and passphrases are asked for`() {
        let story = members()
        _ = plugKey(story)
        #expect(story.wait(60) == ["kill read /dev/sdk1/key"])
        #expect(story.states == ["a locked?", "b locked?"])
    }

    @Test func `two key volumes of one name: neither is used`() {
        let story = members()
        #expect(plugKey(story) == ["read /dev/sdk1/key"])
        #expect(plugKey(story, "/dev/sdl1") == ["kill read /dev/sdk1/key"])
        #expect(story.states == ["a locked?", "b locked?"])
        #expect(story.notices[0].contains("/dev/sdk1 and /dev/sdl1 both answer"))
        #expect(story.unplug("/dev/sdl1") == ["read /dev/sdk1/key"])
    }

    @Test func `a key file that is wrong for one volume leaves it to a passphrase`() {
        let story = members()
        _ = plugKey(story)
        _ = story.end("read /dev/sdk1/key", .keyRead)
        _ = story.open("key a")
        #expect(story.end("key b", .wrongKey) == [])
        #expect(story.states == ["a open", "b locked?"])
        #expect(story.detail("b") == "key file /key on UUID=5555-5555 does not open it")
        #expect(story.type("x", .console) == ["unlock b"])
        #expect(story.open("unlock b") == ["tried 0.1: b opened", "forget 0", "go on"])
    }

    @Test func `a member that comes late is opened with the key that is still there`() {
        let story = Story(Story.crypttab(["a", "b"], KeyFileTests.entry))
        _ = story.appear("a")
        _ = plugKey(story)
        _ = story.end("read /dev/sdk1/key", .keyRead)
        _ = story.open("key a")
        #expect(story.unplug("/dev/sdk1") == [])
        #expect(story.appear("b") == ["inspect b", "key b"])
    }

    @Test func `another disk in a volume's place gets the key file, too`() {
        let story = members()
        _ = plugKey(story)
        _ = story.end("read /dev/sdk1/key", .keyRead)
        _ = story.end("key a", .wrongKey)
        _ = story.unplug("/dev/a")
        #expect(story.appear("a") == ["inspect a", "key a"])
    }

    @Test func `events of other devices do not put off the question`() {
        let story = members()
        for _ in 0..<10 {
            _ = story.wait(0.5)
            _ = story.plug("/dev/other", uuid: "99-99")
        }
        #expect(story.states == ["a locked?", "b locked?"])
    }

    @Test func `a key that nobody waits for any more is forgotten, and a change of its volume puts nothing off`() {
        let story = Story(
            Story.crypttab(["a"], KeyFileTests.entry) + "\n" + Story.crypttab(["b"], "/other:UUID=66-66 luks"))
        _ = story.appear("a", "b")
        _ = plugKey(story)
        _ = story.end("read /dev/sdk1/key", .keyRead)
        #expect(story.open("key a") == ["forget 0"])
        for _ in 0..<10 {
            _ = story.wait(0.5)
            _ = plugKey(story)
        }
        #expect(story.states == ["a open", "b locked?"])
    }

    @Test func `a key that is a device is read when it appears, and a passphrase is asked for after the grace`() {
        let story = Story(Story.crypttab(["a"], "/dev/disk/by-id/stick luks,keyfile-offset=512,keyfile-size=64"))
        #expect(story.appear("a") == ["inspect a"])
        #expect(story.plan.watchedPaths == ["/dev/disk/by-id/stick"])
        #expect(story.plan.missingDevices == ["/dev/disk/by-id/stick"])
        #expect(story.states == ["a waiting-for-key"])
        _ = story.wait(5)
        #expect(story.states == ["a locked?"])
        #expect(story.notices == ["key file /dev/disk/by-id/stick: it has not appeared"])
        #expect(story.path("/dev/disk/by-id/stick", isThere: true) == ["read /dev/disk/by-id/stick"])
        #expect(story.plan.missingDevices == [])
        #expect(story.end("read /dev/disk/by-id/stick", .keyRead) == ["key a"])
    }

    @Test(
        arguments: [true, false])
    func `a key file of the initrd that is no good is read again when another one stands there`(isRehearsal: Bool) {
        let story = Story(Story.crypttab(["a"], "/run/key luks"), rehearsal: isRehearsal)
        #expect(story.appear("a") == ["inspect a", "read /run/key"])
        #expect(story.end("read /run/key", .failed("no file /run/key")) == [])
        #expect(story.states == ["a locked?"])
        #expect(story.path("/run/key", isThere: true) == ["read /run/key"])
        // What it was when the reading began may have been half of it.
        #expect(story.path("/run/key", isThere: true) == [])
        #expect(story.end("read /run/key", .failed("short")) == ["read /run/key"])
        #expect(story.end("read /run/key", .keyRead) == ["key a"])
    }

    @Test func `one key file of several volumes is read once`() {
        let story = Story(Story.crypttab(["a", "b", "c"], "/etc/key luks"))
        #expect(story.go() == ["read /etc/key"])
    }
}
