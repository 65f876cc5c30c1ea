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
        .enabled(if: ListenTests.hasIPv6),
        arguments: ["::1", "127.0.0.1"])
    func `IPv6 and IPv4 are served alike`(host: String) throws {
        let agent = try Rehearsal(volumes)
        #expect(agent.log.contains("listening on :: port \(agent.port)"))
        let end = try agent.ssh(["unlock"], input: .text("correct horse"), host: host)
        #expect(end.status == 0, "\(end)")
        #expect(agent.log.contains(" from \(host) port "), "\(agent.log)")
    }

    /// As the default: it stands so in what `postern -T` prints.
    @Test(
        .enabled(if: ListenTests.hasIPv6), arguments: ["::1", "127.0.0.1"])
    func `ListenAddress [::] is IPv4, too`(host: String) throws {
        let agent = try Rehearsal(volumes, settings: ["ListenAddress [::]"])
        #expect(try agent.ssh(["status"], host: host).status == 0, "\(agent.log)")
        let printed = try run(try Rehearsal.binary(), ["-T", "-f", agent.folder.path("postern.conf")])
        try agent.folder.write(printed.out, to: "printed.conf")
        kill(agent.process, SIGTERM)
        #expect(agent.end() == 1)
        var scene = Scene(volumes)
        scene.file = agent.folder.path("printed.conf")
        let again = try Rehearsal(scene)
        #expect(try again.ssh(["status"], host: host, port: agent.port).status == 0, "\(printed) \(again.log)")
    }

    @Test(
        .enabled(if: ListenTests.hasIPv6),
        arguments: [["[::]", "127.0.0.2"], ["127.0.0.2", "[::]"], ["0.0.0.0", "[::]"]])
    func `ListenAddress [::] beside an IPv4 address is IPv6 alone`(addresses: [String]) throws {
        let agent = try Rehearsal(volumes, settings: addresses.map { "ListenAddress \($0)" })
        #expect(!agent.log.contains("Address already in use"), "\(agent.log)")
        for host in ["::1", "127.0.0.2"] { #expect(try agent.ssh(["status"], host: host).status == 0, "\(agent.log)") }
        let isRefused = try agent.ssh(["status"]).err.contains("Connection refused")
        #expect(isRefused == !addresses.contains("0.0.0.0"))
    }

    @Test func `one address is served and no other`() throws {
        let agent = try Rehearsal(volumes, settings: ["ListenAddress 127.0.0.1"])
        #expect(agent.lines(with: "listening on").count == 1)
        for host in ListenTests.hasIPv6 ? ["127.0.0.2", "::1"] : ["127.0.0.2"] {
            let end = try agent.ssh(["status"], host: host)
            #expect(end.status == 255 && end.err.contains("Connection refused"), "\(end)")
        }
        #expect(try agent.ssh(["status"]).status == 0)
    }

    @Test func `every port is served`() throws {
        let port = try freePort()
        let agent = try Rehearsal(volumes, settings: ["Port \(port)"])
        #expect(agent.logs("listening on :: port \(port)") || !ListenTests.hasIPv6, "\(agent.log)")
        #expect(try agent.ssh(["status"]).status == 0)
        #expect(try agent.ssh(["status"], port: port).status == 0)
    }

    @Test func `an address and its port`() throws {
        let port = try freePort()
        let agent = try Rehearsal(volumes, settings: ["ListenAddress 127.0.0.3:\(port)"])
        #expect(try agent.ssh(["status"], host: "127.0.0.3", port: port).status == 0)
        #expect(try agent.ssh(["status"]).status == 255)
    }

    @Test func `a port that is taken costs only itself`() throws {
        let taken = try Rehearsal(volumes)
        let agent = try Rehearsal(volumes, settings: ["Port \(taken.port)"])
        #expect(agent.logs("port \(taken.port)): Address already in use"), "\(agent.log)")
        #expect(try agent.ssh(["status"]).status == 0)
    }
}
