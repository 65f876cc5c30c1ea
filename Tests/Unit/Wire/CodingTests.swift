import Linux
import Testing
import Wire

@Suite struct CodingTests {
    @Test(arguments: Kind.all)
    func `what is written reads back the same`(kind: Kind) throws {
        for body in try kind.samples() { #expect(try bytes(kind.again(body)) == bytes(body)) }
    }

    @Test(arguments: Kind.all)
    func `a message that ends early is refused, wherever it ends`(kind: Kind) throws {
        for body in try kind.samples() {
            let whole = bytes(body)
            // The end of a long key says no more than its beginning.
            for count in 0..<min(whole.count, 300) {
                let part = try secret(whole.prefix(count))
                #expect(throws: WireError.truncated) { try kind.again(part) }
            }
        }
    }

    @Test(arguments: Kind.all)
    func `bytes after a message are refused`(kind: Kind) throws {
        for body in try kind.samples() {
            let longer = try secret(bytes(body) + [0, 0])
            #expect(throws: WireError.trailingBytes(2)) { try kind.again(longer) }
        }
    }

    /// The signer's setup has no tag: it is one message.
    @Test(arguments: Kind.all.filter { $0.name != Kind.signerSetup.name })
    func `a message of an unknown kind is refused`(kind: Kind) throws {
        let hasChannel = kind.name == Kind.session.name || kind.name == Kind.monitor.name
        for tag: UInt8 in [0, 100, 255] {
            let body = try secret((hasChannel ? [1] : []) + [tag])
            #expect(throws: WireError.unknownTag(tag)) { try kind.again(body) }
        }
    }

    @Test(
        arguments: [
            (Kind.session, [0, 1, 9] + [0, 0, 0, 0], "level"),
            (.session, [0, 1, 5] + [0, 0, 3, 0x85], "log line"),
            (.session, [0, 2, 0, 0] + [0, 0, 4, 1], "user"),
            (.session, [1, 3, 200, 0, 0, 0], "command"),
            (.session, [1, 3, 1, 0, 0, 2], "terminal"),
            (.session, [1, 3, 1] + [2, 1], "operands"),
            (.session, [1, 3, 1, 0, 1] + [0, 0, 4, 1], "operand"),
            // It takes none.
            (.session, [1, 3, 4, 0, 1] + [0, 0, 0, 1, 0x61] + [0], "command"),
            (.session, [1, 3, 13, 0, 1] + [0, 0, 0, 1, 0x61] + [0], "command"),
            (.session, [1, 7] + [0, 0, 0, 65], "terminal type"),
            (.session, [1, 7] + [0, 0, 0, 0], "terminal type"),
            (.session, [1, 7] + [0, 0, 0, 3, 0x61, 0x2f, 0x62], "terminal type"),
            (.session, [1, 7] + [0, 0, 0, 2, 0x2e, 0x61], "terminal type"),
            (.session, [1, 8, 0], "signal"),
            (.session, [1, 8, 19], "signal"),
            (.session, [1, 4] + [0, 0, 2, 1], "passphrase"),
            (.session, [1, 4] + [0xff, 0xff, 0xff, 0xff], "passphrase"),
            (.signerSetup, [0, 0] + [0, 17], "host keys"),
            (.signerSetup, [0, 0] + [0, 1, 0, 0, 0x80, 1], "host key"),
            (.signerSetup, [0, 0] + [0, 0, 0, 17], "unsealed keys"),
            (.signerSetup, [0, 0] + [0, 0, 0, 0, 4, 1], "keys"),
            (.signerReport, [1, 9], "level"),
            (.signerReport, [2, 0, 0] + [0, 0, 4, 1], "user"),
            (.monitor, [0, 1, 0, 0] + [4, 1], "keys"),
            (.monitor, [0, 2, 2], "root"),
            (.monitor, [0, 2, 0, 0] + [0xff, 0xff], "terminals"),
            (.monitor, [1, 3] + [0, 0, 0x10, 1], "host"),
            (.monitor, [1, 4] + [4, 1], "results"),
            (.monitor, [1, 5, 8], "exit code"),
            (.order, [1] + [0, 0, 0x10, 1], "device"),
            (.monitor, [1, 10] + [4, 1], "entries"),
            (.monitor, [1, 10, 0, 1] + [0, 0, 4, 1], "entry"),
            (.order, [5, 2], "permission"),
            (.order, [6, 2], "rehearsal"),
            (.order, [7] + [0, 0, 4, 1], "entry"),
            (.report, [7, 0, 1] + [0, 0, 0, 0, 8], "marks"),
            (.report, [2, 2] + [0, 0, 0, 0] + [0, 0, 0, 0] + [0, 0, 0, 0] + [0, 33], "tokens"),
            (.report, [3] + [0, 0x80, 0, 1], "key"),
            (.report, [6, 0], "level"),
        ] as [(Kind, [UInt8], String)])
    func `values out of range are refused before anything is allocated for them`(
        kind: Kind, body: [UInt8], field: String
    ) throws {
        let body = try secret(body)
        #expect(throws: WireError.badValue(field: field)) { try kind.again(body) }
    }

    @Test func `a text over the limit is cut, not in the middle of a character, and reads back`() throws {
        let long = String(repeating: "ä", count: 5000)
        let body = try SessionMessage.log(.info, "x" + long).body(channel: 0)
        guard case .log(_, let line) = try SessionMessage.read(body).message else {
            Issue.record("not a log line")
            return
        }
        #expect(line == "x" + String(repeating: "ä", count: 449))
        let volume = VolumeStatus(name: "a", device: long, state: .failed, detail: long, asks: false, required: true)
        let state = MachineState(
            host: long, waiting: 0, rehearsal: false, continues: false,
            volumes: [VolumeStatus](repeating: volume, count: 2),
            notices: [String](repeating: long, count: Limits.items + 1))
        let messages: [MonitorMessage] = [
            .state(state), .finish(.deviceMissing, reason: long),
            .tried([TryResult(name: long, outcome: .failed, detail: long)], retryAfter: 0),
        ]
        for message in messages { _ = try MonitorMessage.read(message.body(channel: 1)) }
        let reports: [WorkerReport] = [
            .log(.error, long), .done(.failed(long)),
            .inspected(
                HeaderFacts(
                    version: 2, uuid: long, device: long, memory: 0, tokens: [String](repeating: long, count: 40),
                    active: false, taken: long)),
        ]
        for report in reports { _ = try WorkerReport.read(report.body()) }
    }

    @Test func `what must not be cut is refused by the sender`() throws {
        let passphrase = try secret([UInt8](repeating: 1, count: Limits.passphrase + 1))
        #expect(throws: WireError.badValue(field: "passphrase")) {
            try SessionMessage.passphrase(passphrase).body(channel: 1)
        }
        let order = VolumeOrder(name: "root", device: String(repeating: "x", count: Limits.text + 1))
        #expect(throws: WireError.badValue(field: "path")) { try WorkerOrder.inspect(order).body() }
    }

    @Test func `the largest messages fit their frames`() throws {
        let passphrase = try secret([UInt8](repeating: 1, count: Limits.passphrase))
        #expect(try SessionMessage.passphrase(passphrase).body(channel: 1).count <= Limits.frameFromSession)
        let user = String(repeating: "x", count: 5000)
        #expect(
            try SessionMessage.authenticated(key: 0, user: user).body(channel: 0).count <= Limits.frameFromSession)
        let key = try SecretBytes(capacity: Limits.keyFile)
        key.fill { $0.count }
        #expect(try WorkerReport.key(key).body().count <= Limits.frameFromWorker)
        var order = VolumeOrder(name: "root", device: String(repeating: "x", count: Limits.text))
        order.header = order.device
        order.uuid = order.device
        #expect(try WorkerOrder.unlock(order, key).body().count <= Limits.frameFromMonitor)
    }

    @Test func `bytes that are no text come as text`() throws {
        let body = try secret([0, 1, 5, 0, 0, 0, 2, 0xff, 0x41])
        guard case .log(_, let line) = try SessionMessage.read(body).message else {
            Issue.record("not a log line")
            return
        }
        #expect(line == "\u{fffd}A")
    }

    @Test(arguments: ExitCode.all)
    func `the sentences of the exit codes are the manual's`(code: ExitCode) {
        #expect(ExitCode(rawValue: code.rawValue) == code)
        #expect(code.rawValue < 8)
        #expect(!code.meaning.isEmpty)
    }
}
