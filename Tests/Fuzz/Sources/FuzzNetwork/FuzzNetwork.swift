import Config
import Network
import Terminal
import Wire

/// Whatever a netlink socket brings is taken apart within bounds, and every report of it can be sent and read aloud.
///
/// The first byte chooses where ssh listens, and how much time passes between the messages.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    let places = ["::", "0.0.0.0", "192.0.2.1", "fe80::1"]
    let listening = places.enumerated().filter { start[0] >> $0.offset & 1 != 0 }.compactMap { number, text in
        PeerAddress(text).map { Listening($0, port: 2222, isDual: number == 0) }
    }
    let step = Int64(start[0] >> 4) * 1000
    var links = Links()
    var pace = Pace()
    var reported: [NetworkFact] = []
    var reports = 0
    var now: Int64 = 0
    for message in RouteMessage.parse(bytes[...]) {
        links.apply(message)
        if case .linkGone(let index) = message {
            precondition(!links.links.contains { $0.index == index })
            precondition(!links.addresses.contains { $0.link == index })
        }
        precondition(links.links.count <= 256 && links.addresses.count <= 1024)
        let facts = links.reach(
            Surroundings(
                listening: listening, missing: [NetworkFact(.noDriver, detail: "PCI 1")],
                failures: [(2, "no firmware")]))
        precondition(facts.count <= Links.mostFacts)
        check(facts)
        if facts == reported {
            pace.settled()
        } else {
            pace.changed(isGood: facts.contains { $0.kind == .reachable }, now: now)
        }
        if pace.mayReport(now: now) {
            precondition(facts != reported)
            reported = facts
            reports += 1
        }
        precondition(facts == reported || pace.due != nil)
        now += step
    }
    precondition(reports <= Pace.burst + Int(now / Pace.interval) + 1)
    return 0
}

private func check(_ facts: [NetworkFact]) {
    for fact in facts {
        precondition(NetworkText.line(fact).unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f })
    }
    guard let body = try? MonitorMessage.network(facts).body(channel: 0),
        case .network(let read)? = try? MonitorMessage.read(body).message
    else { fatalError("it cannot be sent") }
    precondition(read == facts)
}
