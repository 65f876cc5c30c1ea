import Foundation
import Glibc
import TestPeers
import Testing

/// What the agent's starter has ignored or blocked, it has by inheritance.
@Suite struct StarterTests {
    let materials: Materials
    let volumes: [String]

    init() throws {
        materials = try Materials.made.get()
        volumes = ["root \(materials.root) none luks"]
    }

    private func descriptors(of agent: Rehearsal) -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(agent.process)/fd"))?.count ?? -1
    }

    /// Children of the agent in whatever state, also those that wait to be reaped.
    private func children(of agent: Rehearsal) -> String {
        let path = "/proc/\(agent.process)/task/\(agent.process)/children"
        return String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }

    @Test(
        arguments: [
            ["--ignore-signal"], ["--block-signal"], ["--ignore-signal=CHLD,TERM,PIPE", "--block-signal=CHLD,ALRM"],
        ]
    )
    func `what the starter ignored or blocked comes through: no descriptor leaks, children are reaped, SIGTERM ends it`(
        _ options: [String]
    ) throws {
        var scene = Scene(volumes)
        scene.through = ["env"] + options
        let agent = try Rehearsal(scene)
        #expect(try agent.status().volume("root") != nil)
        let isQuiet = eventually { children(of: agent).isEmpty }
        #expect(isQuiet, "\(children(of: agent))")
        let before = descriptors(of: agent)
        for _ in 0..<20 { _ = try agent.status() }
        let isSame = eventually { children(of: agent).isEmpty && descriptors(of: agent) == before }
        #expect(isSame, "\(before) descriptors before, \(descriptors(of: agent)) now; \(children(of: agent))")
        // A worker, too, is started and its end seen.
        #expect(try agent.unlock("wrong").status == 3)
        kill(agent.process, SIGTERM)
        #expect(agent.end() == 1)
    }
}
