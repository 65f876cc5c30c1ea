import Foundation
import Glibc
import TestPeers
import Testing

/// Where the agent listens.
@Suite struct ListenTests {
    static let hasIPv6: Bool = {
        let list = FileManager.default.contents(atPath: "/proc/net/if_inet6") ?? Data()
        return String(decoding: list, as: UTF8.self).contains("00000000000000000000000000000001")
    }()

    let volumes: [String]
    init() throws { volumes = ["root \(try Materials.made.get().root) none luks"] }

    @Test(
        "IPv6 and IPv4 are served alike", .enabled(if: ListenTests.hasIPv6),
        arguments: ["::1", "127.0.0.1"])
    func serves(host: String) throws {
        let agent = try Rehearsal(volumes)
        #expect(agent.log.contains("listening on :: port \(agent.port)"))
        let end = try agent.ssh(["unlock"], input: .text("correct horse"), host: host)
        #expect(end.status == 0, "\(end)")
        #expect(agent.log.contains(" from \(host) port "), "\(agent.log)")
    }

    @Test func oneAddressIsServedAndNoOther() throws {
        let agent = try Rehearsal(volumes, settings: ["ListenAddress 127.0.0.1"])
        #expect(agent.lines(with: "listening on").count == 1)
        for host in ListenTests.hasIPv6 ? ["127.0.0.2", "::1"] : ["127.0.0.2"] {
            let end = try agent.ssh(["status"], host: host)
            #expect(end.status == 255 && end.err.contains("Connection refused"), "\(end)")
        }
        #expect(try agent.ssh(["status"]).status == 0)
    }

    @Test func everyPortIsServed() throws {
        let port = try freePort()
        let agent = try Rehearsal(volumes, settings: ["Port \(port)"])
        #expect(agent.logs("listening on :: port \(port)") || !ListenTests.hasIPv6, "\(agent.log)")
        #expect(try agent.ssh(["status"]).status == 0)
        #expect(try agent.ssh(["status"], port: port).status == 0)
    }

    @Test func anAddressAndItsPort() throws {
        let port = try freePort()
        let agent = try Rehearsal(volumes, settings: ["ListenAddress 127.0.0.3:\(port)"])
        #expect(try agent.ssh(["status"], host: "127.0.0.3", port: port).status == 0)
        #expect(try agent.ssh(["status"]).status == 255)
    }

    @Test func aPortThatIsTakenCostsOnlyItself() throws {
        let taken = try Rehearsal(volumes)
        let agent = try Rehearsal(volumes, settings: ["Port \(taken.port)"])
        #expect(agent.logs("port \(taken.port)): Address already in use"), "\(agent.log)")
        #expect(try agent.ssh(["status"]).status == 0)
    }
}
