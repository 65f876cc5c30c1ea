import Testing
import Wire

@testable import Terminal

struct AskTextTests {
    private func state(_ names: [String]) -> MachineState {
        MachineState(
            host: "nas", waiting: 0, rehearsal: false, continues: false,
            volumes: names.map { VolumeStatus(name: $0, device: "UUID=1", state: .locked, asks: true, required: true) },
            notices: [])
    }

    @Test(
        arguments: [
            ([], "Passphrase for crypt-root, data:"),
            (
                [TryResult(name: "crypt-root", outcome: .wrong), TryResult(name: "data", outcome: .wrong)],
                "Wrong passphrase. Passphrase for crypt-root, data:"
            ),
            (
                [TryResult(name: "keys", outcome: .opened), TryResult(name: "data", outcome: .wrong)],
                "data: wrong passphrase. Passphrase for crypt-root, data:"
            ),
            (
                [TryResult(name: "data", outcome: .failed, detail: "no memory")],
                "data: failed: no memory. Passphrase for crypt-root, data:"
            ),
        ] as [([TryResult], String)])
    func `the question names the volumes and what was wrong`(_ last: [TryResult], _ question: String) {
        #expect(AskText.question(state(["crypt-root", "data"]), after: last) == question)
    }

    @Test func `a volume's name cannot end the line, and many fit into one`() {
        #expect(AskText.question(state(["a\nb: c"]), after: []) == "Passphrase for a\\u{0A}b: c:")
        let many = AskText.question(state((0..<300).map { "storage-\($0)" }), after: [])
        #expect(many.utf8.count <= 200 && many.hasSuffix(" more:"))
    }

    @Test func `what opened is a line each`() {
        let results = [
            TryResult(name: "a", outcome: .opened), TryResult(name: "b", outcome: .wrong),
            TryResult(name: "c", outcome: .alreadyOpen),
        ]
        #expect(AskText.opened(results) == ["a: open", "c: open"])
        #expect(AskText.end(.done, reason: "Without data.") == ["Without data.", "Boot continues."])
    }
}
