import Config
import Foundation

/// Reads a postern.conf and gives the findings as they are printed.
func settings(_ text: String) -> (settings: Settings, findings: [String]) {
    var findings: [Finding] = []
    let settings = Settings.parse(Array(text.utf8), file: "postern.conf", into: &findings)
    return (settings, findings.map(\.description))
}

func crypttab(
    _ text: String, leaving left: [String] = [], for system: InitrdSystem = .script
) -> (entries: [CrypttabEntry], findings: [String]) {
    var findings: [Finding] = []
    let crypttab = Crypttab.parse(
        Array(text.utf8), file: "crypttab", leaving: left, for: system, into: &findings)
    return (crypttab.entries, findings.map(\.description))
}

func authorizedKeys(_ text: String) -> (keys: [AuthorizedKey], findings: [String]) {
    var findings: [Finding] = []
    let list = AuthorizedKeys.parse(Array(text.utf8), file: "keys", into: &findings)
    return (list.keys, findings.map(\.description))
}

/// Runs a program and gives its standard output.
func run(_ path: String, _ arguments: [String]) throws -> String {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    process.standardOutput = output
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: bytes, as: UTF8.self)
}

/// What a text changes in a value: a row of a table.
struct Change<Value>: Sendable {
    let text: String
    let apply: @Sendable (inout Value) -> Void

    init(_ text: String, _ apply: @escaping @Sendable (inout Value) -> Void) {
        self.text = text
        self.apply = apply
    }
}
