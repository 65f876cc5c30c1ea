import Foundation
import LUKS
import Linux
import TestImages
import Testing
import Wire

@Suite struct UnlockTests {
    let place: Workplace

    init() throws { place = try Workplace() }

    private func order(_ image: String, rehearsal: Bool = true) -> VolumeOrder {
        var order = VolumeOrder(name: "postern-test-none", device: image)
        order.rehearsal = rehearsal
        return order
    }

    private func outcome(_ order: VolumeOrder, _ passphrase: String) throws -> JobOutcome? {
        guard case .done(let outcome) = try WorkerUnderTest.run(.unlock(order, try secret(passphrase))) else {
            return nil
        }
        return outcome
    }

    @Test(arguments: ["luks1", "luks2"])
    func `a rehearsal tries the real key slots and writes nothing`(type: String) throws {
        let image = try place.format("image", type: type)
        let before = try place.shell("sha256sum image; stat -c '%Y %Z' image")
        #expect(try outcome(order(image), "1234") == .opened(slot: 0))
        #expect(try outcome(order(image), "wrong") == .wrongKey)
        #expect(try place.shell("sha256sum image; stat -c '%Y %Z' image") == before)
    }

    /// The second copy is whole: cryptsetup(8) repairs the first one as soon as it reads it.
    @Test func `a rehearsal does not repair a damaged header`() throws {
        let image = try place.format("image")
        try place.shell("printf x | dd of=image bs=1 seek=4200 conv=notrunc status=none")
        let before = try place.bytes("image")
        #expect(try outcome(order(image), "1234") == .opened(slot: 0))
        guard case .inspected(let facts) = try WorkerUnderTest.run(.inspect(order(image))) else {
            Issue.record("not inspected")
            return
        }
        #expect(facts.version == 2)
        #expect(try place.bytes("image") == before)
        // The proof that this header is one that gets repaired.
        _ = try WorkerUnderTest.run(.inspect(order(image, rehearsal: false)))
        #expect(try place.bytes("image") != before)
    }

    @Test func `a detached header and a key slot are heeded`() throws {
        try place.shell("truncate -s 20M head")
        let image = try place.format("image", options: "--header head")
        var order = order(image)
        #expect(try outcome(order, "1234") == .failed("no LUKS header on \(image): Invalid argument"))
        order.header = place.file("head")
        #expect(try outcome(order, "1234") == .opened(slot: 0))
        order.keySlot = 3
        #expect(try outcome(order, "1234") == .failed("key slot 3 of \(place.file("head")) holds no key of the volume"))
    }

    /// The key slot named is none: whoever looks for the key says so, and here nobody does.
    @Test(arguments: [true, false])
    func `on another volume, or one that encrypts nothing, no key is tried`(rehearsal: Bool) throws {
        var order = order(try place.format("image"), rehearsal: rehearsal)
        order.keySlot = 7
        order.uuid = "11111111-2222-3333-4444-555555555555"
        let own = try place.shell("cryptsetup luksUUID image").prefix(36)
        let other = JobOutcome.failed(
            "\(order.device) is refused: it is another volume, with the LUKS UUID \(own) and not \(order.uuid ?? ""); if it is meant, boot with postern=off and build the image again"
        )
        #expect(try outcome(order, "1234") == other)
        order.uuid = String(own)
        #expect(try outcome(order, "1234") == .failed("key slot 7 of \(order.device) holds no key of the volume"))
        try place.forge("image") { $0.replacing("aes-xts-plain64", with: "cipher_null-ecb") }
        let plain = JobOutcome.failed("\(order.device) is refused: its LUKS header leaves data or a key unencrypted")
        #expect(try outcome(order, "1234") == plain)
        guard case .done(let inspected) = try WorkerUnderTest.run(.inspect(order)) else {
            Issue.record("inspected")
            return
        }
        #expect(inspected == plain)
    }

    @Test func `a volume under reencryption opens too`() throws {
        let image = try place.format("image")
        try place.shell(
            """
            printf 1234 > key
            cryptsetup reencrypt -q --init-only \(cheap) --key-file key --force-offline-reencrypt image
            """)
        let before = try place.bytes("image")
        guard case .opened = try outcome(order(image), "1234") else {
            Issue.record("not opened")
            return
        }
        #expect(try outcome(order(image), "wrong") == .wrongKey)
        #expect(try place.bytes("image") == before)
    }

    @Test func `a worker asks to activate once the key is right`() throws {
        let worker = try WorkerUnderTest()
        try worker.send(.unlock(order(try place.format("image"), rehearsal: false), try secret("1234")))
        guard case .requestsActivation(slot: 0) = try worker.report() else {
            Issue.record("it does not ask to activate")
            return
        }
        try worker.send(.activationPermitted(false))
        guard case .done(.notPermitted) = try worker.report() else {
            Issue.record("it activated without permission")
            return
        }
        #expect(worker.status() == 0)
    }

    @Test func `without its monitor it ends instead of activating`() throws {
        let worker = try WorkerUnderTest()
        try worker.send(.unlock(order(try place.format("image"), rehearsal: false), try secret("1234")))
        guard case .requestsActivation = try worker.report() else {
            Issue.record("it does not ask to activate")
            return
        }
        worker.hangUp()
        #expect(worker.status() == 1)
    }

    @Test func `a wrong passphrase asks for no activation`() throws {
        #expect(try outcome(order(try place.format("image"), rehearsal: false), "wrong") == .wrongKey)
    }

    @Test(.enabled(if: !FileManager.default.fileExists(atPath: "/sys/class/misc/device-mapper")))
    func `without device-mapper it says so`() throws {
        let image = try place.format("image")
        let worker = try WorkerUnderTest()
        try worker.send(.unlock(order(image, rehearsal: false), try secret("1234")))
        _ = try worker.report()
        try worker.send(.activationPermitted(true))
        guard case .done(.failed(let reason)) = try worker.report() else {
            Issue.record("it did not fail")
            return
        }
        #expect(
            reason == "\(image) cannot be opened as postern-test-none: no device-mapper "
                + "(module dm_mod or dm_crypt is missing)")
        #expect(worker.status() == 0)
    }

    @Test func `nothing but an order at the start is taken`() throws {
        let worker = try WorkerUnderTest()
        try worker.send(.activationPermitted(true))
        #expect(try worker.report() == nil)
        #expect(worker.status() == 1)
    }

    @Test func `it ends with its socket before any order`() throws {
        let worker = try WorkerUnderTest()
        worker.hangUp()
        #expect(worker.status() == 1)
    }

    @Test func `it cannot gain rights`() throws {
        let worker = try WorkerUnderTest()
        try worker.send(.unlock(order(try place.format("image"), rehearsal: false), try secret("1234")))
        _ = try worker.report()
        let status = try String(contentsOfFile: "/proc/\(worker.id)/status", encoding: .utf8)
        #expect(status.contains("NoNewPrivs:\t1"))
        if geteuid() == 0 {
            // SYS_ADMIN, SYS_RAWIO, IPC_LOCK, MKNOD, DAC_READ_SEARCH, DAC_OVERRIDE and CHOWN.
            #expect(status.contains("CapEff:\t0000000008224007"))
            #expect(status.contains("CapBnd:\t0000000008224007"))
        }
        worker.hangUp()
        _ = worker.status()
    }
}

extension WorkerReport? {
    static func == (left: WorkerReport?, right: ()?) -> Bool {
        if case .none = left { true } else { false }
    }
}
