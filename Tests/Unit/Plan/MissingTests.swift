import Plan
import Testing
import Wire

/// Which devices are said to be missing, for those who assemble arrays and logical volumes.
@Suite struct MissingDevicesTests {
    private let keys = "UUID=\(Story.uuid("keys"))"

    private func device(_ name: String) -> String { "UUID=\(Story.uuid(name))" }

    @Test func `a volume counts until its device is there`() {
        let story = Story("root \(device("root")) none luks\nhome /dev/vg/home none luks")
        #expect(story.plan.missingDevices == [device("root"), "/dev/vg/home"])
        _ = story.appear("root")
        #expect(story.plan.missingDevices == ["/dev/vg/home"])
        _ = story.path("/dev/vg/home", isThere: true)
        #expect(story.plan.missingDevices == [])
        _ = story.unplug("/dev/root")
        #expect(story.plan.missingDevices == [device("root")])
    }

    @Test func `a key volume counts once while a locked volume needs it`() {
        let story = Story(
            """
            one \(device("one")) /key:\(keys) luks
            two \(device("two")) /key:\(keys) luks
            """)
        #expect(story.plan.missingDevices == [device("one"), keys, device("two")])
        _ = story.appear("one", "two")
        #expect(story.plan.missingDevices == [keys])
        _ = story.plug("/dev/keys", uuid: Story.uuid("keys"), type: "ext4")
        #expect(story.plan.missingDevices == [])
    }

    @Test func `what is not ours and what is not opened at boot does not count`() {
        let story = Story(
            """
            root \(device("root")) none luks
            swap /dev/sdb2 /dev/urandom swap
            later \(device("later")) none luks,noauto
            tpm \(device("tpm")) none luks,tpm2-device=auto
            """)
        #expect(story.plan.missingDevices == [device("root")])
    }

    @Test func `a member that is waited for a while counts until the boot goes on`() {
        let story = Story(
            "one \(device("one")) none luks\ntwo \(device("two")) none luks",
            "Array pool quorum=1 one two\nContinueTimeout 60")
        _ = story.plug("/dev/one", uuid: Story.uuid("one"))
        _ = story.readHeader("one", active: true)
        #expect(story.plan.missingDevices == [device("two")])
        _ = story.wait(61)
        #expect(story.plan.continues)
        #expect(story.plan.missingDevices == [])
    }
}
