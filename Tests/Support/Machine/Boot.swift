import Foundation

/// Runs `body` with a machine of `setup`, and stops it whatever happens.
///
/// The console's text is kept in `.build-logs/NAME.console`. At most two machines run at a time, but for those that are `idle`.
///
/// QEMU 7.2 was seen to lose the timer of an emulated processor in one of many hundred boots, and the guest stood still; and
/// to run an instruction that the guest's kernel was just replacing, in one of a hundred. Where the kernel says so and
/// `body` throws, a second machine is started, and `.build-logs/figures` tells of it.
///
/// - Throws: what `body` throws, with the end of the console; `MachineError.failed` when the kernel complained of a
///   crash, also where `body` was content.
public func boot(_ setup: Setup, name: String, _ body: (Machine) async throws -> Void) async throws {
    try await boot(name: name, { try await Machine(setup) }, body)
}

/// The same with an installed Debian system, whose suite is added to the name.
public func boot(_ system: System, name: String, _ body: (Machine) async throws -> Void) async throws {
    try await boot(name: "\(name)-\(system.suite)", { try await Machine(system) }, body)
}

private func boot(
    name: String, _ start: () async throws -> Machine, _ body: (Machine) async throws -> Void
) async throws {
    await Slots.shared.acquire()
    defer { Task { await Slots.shared.giveBack() } }
    do { try await run(name, start, body) } catch MachineError.stopped(let reason) {
        print("\(name): once more: \(reason)")
        try note("\(name): the emulated machine stopped; it was started once more")
        try await run(name, start, body)
    }
}

private func run(
    _ name: String, _ start: () async throws -> Machine, _ body: (Machine) async throws -> Void
) async throws {
    let machine = try await start()
    var failure: (any Error)?
    do { try await body(machine) } catch { failure = error }
    await machine.stop()

    let text = machine.console.text
    let logs = Disks.root.appending(path: ".build-logs")
    try FileManager.default.createDirectory(at: logs, withIntermediateDirectories: true)
    try text.write(to: logs.appending(path: "\(name).console"), atomically: false, encoding: .utf8)

    let reason = failure.map { "\($0)\nThe console at that time:\n\(machine.console.tail(40))" }
    let isEmulators = [Machine.timerStopped, Machine.codeChanged].contains { text.contains($0) }
    if let reason, isEmulators { throw MachineError.stopped(reason) }
    let crashes = crashes(in: text)
    guard crashes.isEmpty else {
        throw MachineError.failed(
            "the machine crashed:\n\(crashes.joined(separator: "\n"))\n\(failure.map { "\($0)" } ?? "")")
    }
    if let reason { throw MachineError.failed(reason) }
}

/// Waits inside `body` of `boot` while the machine has nothing to do, and lets another machine run meanwhile. It may take longer.
public func idle(for duration: Duration) async throws {
    await Slots.shared.giveBack()
    try? await Task.sleep(for: duration)
    await Slots.shared.acquire(isRunning: true)
    try Task.checkCancellation()
}

/// Runs a program that starts a machine of its own, as one of the two machines that run at a time.
public func runMachine(_ arguments: [String], within limit: Duration) async throws -> Outcome {
    await Slots.shared.acquire()
    defer { Task { await Slots.shared.giveBack() } }
    return try await runProgram(arguments, within: limit)
}

/// Adds a line to `.build-logs/figures`, for what is worth knowing and not worth failing for.
public func note(_ text: String) throws {
    let file = Disks.root.appending(path: ".build-logs/figures").path
    try FileManager.default.createDirectory(
        at: Disks.root.appending(path: ".build-logs"), withIntermediateDirectories: true)
    let descriptor = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    defer { close(descriptor) }
    _ = Array("\(text)\n".utf8).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
}

/// The lines of a boot log that no good boot has.
func crashes(in log: String) -> [String] {
    let signs = ["Kernel panic", "Oops", "BUG:", "Call Trace", "segfault", "traps:", "Attempted to kill init"]
    return log.split(separator: "\n").filter { line in signs.contains { line.contains($0) } }.map(String.init)
}

/// Two machines at a time, but for those that are idle, which two cores and most memories can bear.
private actor Slots {
    static let shared = Slots()
    private var free = 2
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// Waits for a slot: a machine that `isRunning` goes first, so that it ends.
    func acquire(isRunning: Bool = false) async {
        guard free == 0 else {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.insert($0, at: isRunning ? 0 : waiting.endIndex) }
    }

    func giveBack() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
