import Linux
import TestImages
import Testing
import Wire

@Suite struct InspectionTests {
    let place: Workplace

    init() throws { place = try Workplace() }

    @Test func `inspects a header`() throws {
        try place.shell("truncate -s 20M image; printf 1 | cryptsetup luksFormat -q \(argon2(memory: 512)) image -")
        try place.shell("echo '{\"type\":\"clevis\",\"keyslots\":[\"0\"]}' | cryptsetup token import image")
        try place.shell(
            "echo '{\"type\":\"\(String(repeating: "x", count: 90))\",\"keyslots\":[\"0\"]}' | cryptsetup token import image"
        )
        try place.shell(
            "echo '{\"type\":\"left-over\",\"keyslots\":[]}' | cryptsetup token import image; ln -s image link")
        let order = VolumeOrder(name: "postern-test-none", device: place.file("link"))
        guard case .inspected(let facts) = try WorkerUnderTest.run(.inspect(order)) else {
            Issue.record("not inspected")
            return
        }
        let uuid = try place.shell("cryptsetup luksUUID image").prefix { $0 != "\n" }
        #expect(facts.uuid == uuid)
        #expect(facts.version == 2)
        #expect(facts.device == place.file("image"))
        #expect(facts.tokens.count == 2)
        #expect(facts.memory == 512)
        #expect(facts.tokens.first == "clevis")
        #expect(facts.tokens.last?.count == 62)
        #expect(!facts.active)
    }

    @Test func `says what is wrong with a header`() throws {
        try place.shell("truncate -s 20M image")
        let image = place.file("image")
        guard case .done(let outcome) = try WorkerUnderTest.run(.inspect(VolumeOrder(name: "x", device: image))) else {
            Issue.record("no outcome")
            return
        }
        #expect(outcome == .failed("no LUKS header on \(image): Invalid argument"))
    }

    @Test func `another volume is named at the inspection`() throws {
        let image = try place.format("image", type: "luks1")
        let uuid = try place.shell("cryptsetup luksUUID image").prefix(36)
        var order = VolumeOrder(name: "postern-test-none", device: image)
        order.uuid = "1-2"
        guard case .done(let outcome) = try WorkerUnderTest.run(.inspect(order)) else {
            Issue.record("no outcome")
            return
        }
        #expect(
            outcome
                == .failed(
                    "\(image) is refused: it is another volume, with the LUKS UUID \(uuid) and not 1-2; if it is meant, boot with postern=off and build the image again"
                ))
        order.uuid = String(uuid)
        guard case .inspected = try WorkerUnderTest.run(.inspect(order)) else {
            Issue.record("not inspected")
            return
        }
    }

    @Test func `probes a device`() throws {
        try place.shell("truncate -s 20M image; mkfs.ext4 -q -L Keys image")
        let uuid = String(try place.shell("blkid -p -s UUID -o value image").prefix { $0 != "\n" })
        guard case .probed(let tags) = try WorkerUnderTest.run(.probe(device: place.file("image"))) else {
            Issue.record("not probed")
            return
        }
        #expect(tags == DeviceTags(type: "ext4", uuid: uuid, label: "Keys", partitionUUID: "", partitionLabel: ""))
    }

    @Test func `a device that is not there has no tags`() throws {
        guard case .probed(let tags) = try WorkerUnderTest.run(.probe(device: "/nonexistent")) else {
            Issue.record("not probed")
            return
        }
        #expect(tags == DeviceTags(type: "", uuid: "", label: "", partitionUUID: "", partitionLabel: ""))
    }
}
