import Foundation
import Glibc
import TestPeers
import Testing

/// What a rehearsal is started with.
struct Scene {
    /// Lines of crypttab. `{FOLDER}` stands for the agent's own folder.
    var volumes: [String]
    /// Lines of postern.conf besides the ones that name ports and files.
    var settings: [String] = []
    /// Lines of authorized_keys; `nil`: alice's and bob's.
    var keys: [String]?
    var hostKeys = true
    /// Whether the agent has a terminal, at which somebody sits.
    var hasConsole = false
    /// Files in the folder that stands for the key volume, by name.
    var keyVolume: [String: String]?
    /// Another postern.conf than the one in the agent's folder.
    var file: String?
    /// The program that starts the agent, and its arguments before the agent's own. `{FOLDER}` as in crypttab.
    var through: [String] = []
    /// Another path of the shipped binary. `{FOLDER}` as in crypttab.
    var binary: String?
    /// Whether it is to serve ssh.
    var listens = true
    /// Whether it has nowhere to log to, so that its start cannot be seen.
    var isMute = false
    /// Whether it is no rehearsal: then `through` is to shut it off from this machine.
    var isInEarnest = false

    init(_ volumes: [String], settings: [String] = [], console: Bool = false) {
        self.volumes = volumes
        self.settings = settings
        hasConsole = console
    }
}

/// The shipped binary, rehearsing on 127.0.0.1 in a folder of its own.
final class Rehearsal: @unchecked Sendable {
    let folder: TemporaryFolder
    let materials: Materials
    private(set) var port: UInt16 = 0
    private(set) var process: pid_t = 0
    /// The terminal that the agent was started from.
    private(set) var console: Pseudoterminal?
    private var program: Program?
    private var ending: Int32?

    /// The binary that `initrd/build` makes, or the one that POSTERN_BINARY names.
    static func binary() throws -> String {
        guard access(FakeMonitor.binary, X_OK) == 0 else {
            throw PeerError.tool("no \(FakeMonitor.binary): run initrd/build first")
        }
        return FakeMonitor.binary
    }

    /// Starts the agent, and waits until it listens. `prepare` may put files into the folder before.
    init(_ scene: Scene, prepare: (TemporaryFolder, Materials) throws -> Void = { _, _ in }) throws {
        folder = try TemporaryFolder()
        materials = try Materials.made.get()
        try prepare(folder, materials)
        let isReady = scene.listens ? "listening on" : "no ssh"
        // Somebody else may take the port meanwhile.
        for _ in 0..<5 {
            port = try freePort()
            try writeFiles(scene)
            try start(scene)
            if scene.isMute { return }
            let isTaken = "port \(port)): Address already in use"
            let hasBegun = eventually { log.contains(isReady) || log.contains(isTaken) || hasEnded }
            guard hasBegun else { throw PeerError.tool("the agent does not start: \(log)") }
            if !log.contains(isTaken) { return }
            kill(process, SIGKILL)
            _ = end()
            ending = nil
        }
        throw PeerError.tool("no port: \(log)")
    }

    convenience init(_ volumes: [String], settings: [String] = [], console: Bool = false) throws {
        try self.init(Scene(volumes, settings: settings, console: console))
    }

    deinit {
        program?.signal(SIGKILL)
        if ending == nil, console != nil { kill(process, SIGKILL) }
        // What one that is killed cannot remove.
        rmdir("/run/postern-rehearsal-\(process)")
    }

    private func writeFiles(_ scene: Scene) throws {
        var lines = ["Port \(port)", "Crypttab \(folder.path("crypttab"))"]
        lines.append("AuthorizedKeysFile \(folder.path("authorized_keys"))")
        if scene.hostKeys { lines += materials.host.map { "HostKey \($0.path)" } }
        if !scene.hostKeys { lines.append("HostKey \(folder.path("no-host-key"))") }
        lines += scene.settings
        // Whatever makes the images of this machine.
        if !scene.settings.contains(where: { $0.hasPrefix("Initrd ") }) { lines.append("Initrd script") }
        try write("postern.conf", lines)
        try write("crypttab", scene.volumes)
        try write("authorized_keys", try scene.keys ?? [materials.alice.line(), materials.bob.line()])
        guard let files = scene.keyVolume else { return }
        let root = folder.path("key-volume")
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        for (name, content) in files { try Data(content.utf8).write(to: URL(filePath: "\(root)/\(name)")) }
    }

    private func write(_ name: String, _ lines: [String]) throws {
        try folder.write(lines.map { filled($0) + "\n" }.joined(), to: name)
    }

    private func filled(_ text: String) -> String {
        text.replacing("{FOLDER}", with: folder.path("").dropLast())
    }

    private func start(_ scene: Scene) throws {
        var words =
            ["agent"] + (scene.isInEarnest ? [] : ["--rehearse"]) + ["-f", scene.file ?? folder.path("postern.conf")]
        if scene.keyVolume != nil { words += ["--key-volume", folder.path("key-volume")] }
        let program = scene.through.map(filled) + [try scene.binary.map(filled) ?? Rehearsal.binary()] + words
        if scene.hasConsole {
            // The log would garble what the person at the terminal sees.
            let terminal = try Pseudoterminal(
                "sh", ["-c", "log=$1; shift; exec \"$@\" 2>\"$log\"", "sh", folder.path("log")] + program)
            process = terminal.process
            console = terminal
            return
        }
        try folder.write("", to: "log")
        let descriptors = [
            open("/dev/null", O_RDONLY | O_CLOEXEC), open("/dev/null", O_WRONLY | O_CLOEXEC),
            open(folder.path("log"), O_WRONLY | O_APPEND | O_CLOEXEC),
        ]
        defer { for descriptor in descriptors { close(descriptor) } }
        let started = try Program(program[0], Array(program.dropFirst()), descriptors: descriptors)
        process = started.process
        self.program = started
    }

    // MARK: What the agent does

    /// All that it has logged.
    var log: String {
        String(decoding: FileManager.default.contents(atPath: folder.path("log")) ?? Data(), as: UTF8.self)
    }

    /// The lines of the log with this text in them.
    func lines(with text: String) -> [String] {
        log.split(separator: "\n").map { String($0) }.filter { $0.contains(text) }
    }

    /// Waits until it has logged `text`.
    func logs(_ text: String) -> Bool {
        eventually { log.contains(text) }
    }

    /// Waits for its end, and returns its exit status, or 128 and a signal's number.
    func end() -> Int32 {
        if let ending { return ending }
        if let console {
            ending = console.end()
        } else {
            ending = program?.wait(timeout: patience)
        }
        return ending ?? 124
    }

    private var hasEnded: Bool { Processes.hasEnded(process) }

    func children(_ role: String) -> [pid_t] { Processes.children(of: process, role) }
}

extension KeyPair {
    /// Its line of authorized_keys.
    func line() throws -> String {
        try String(contentsOfFile: path + ".pub", encoding: .utf8).trimmingCharacters(in: .newlines)
    }
}

extension Processes {
    /// Whether a process is gone, or waits for its parent to notice.
    static func hasEnded(_ id: pid_t) -> Bool {
        let state = field("State", of: id)
        return state.isEmpty || state.hasPrefix("Z")
    }
}
