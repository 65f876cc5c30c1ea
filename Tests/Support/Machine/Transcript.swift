import Foundation
import Synchronization

/// Text that a process or a console prints, as it comes, for several readers to wait on.
public final class Transcript: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var ended = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// What it is the text of, for failure messages: `console`, `ssh status`.
    public let name: String
    private let state = Mutex(State())

    public init(_ name: String) {
        self.name = name
    }

    /// Follows what can be read from `descriptor`, on a thread of its own, until its end; then closes it.
    public convenience init(_ name: String, following descriptor: Int32) {
        self.init(name)
        Thread.detachNewThread { [self] in
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                // The master of a terminal answers EIO once nobody has its other side open.
                if count > 0 { append(buffer[..<count]) } else if count == 0 || errno != EINTR { break }
            }
            close(descriptor)
            end()
        }
    }

    /// Everything so far. Bytes that are not UTF-8 show as replacement characters; carriage returns are left out.
    public var text: String {
        String(decoding: state.withLock { $0.bytes.filter { $0 != UInt8(ascii: "\r") } }, as: UTF8.self)
    }

    public var hasEnded: Bool { state.withLock { $0.ended } }

    /// The last lines, for a failure message.
    public func tail(_ lines: Int = 25) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).suffix(lines).map { "  | \($0)" }
            .joined(separator: "\n")
    }

    func append(_ bytes: some Sequence<UInt8>) { change { $0.bytes += bytes } }

    func end() { change { $0.ended = true } }

    private func change(_ body: (inout State) -> Void) {
        let waiters = state.withLock { state in
            body(&state)
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits until `answer` finds what it looks for in the text.
    ///
    /// - Throws: `MachineError.missing` when the text ends without it, or `limit` passes.
    public func wait<Answer>(
        for what: String, within limit: Duration, _ answer: (String) -> Answer?
    ) async throws -> Answer {
        let deadline = ContinuousClock.now + limit
        // Nobody may ever print again: this wakes the loop below for its last look.
        let alarm = Task {
            try await Task.sleep(until: deadline)
            self.change { _ in }
        }
        defer { alarm.cancel() }
        while true {
            let (seen, ended) = state.withLock { ($0.bytes.count, $0.ended) }
            if let answer = answer(text) { return answer }
            guard !ended else { throw MachineError.missing("\(name) ended without \(what)\n\(tail())") }
            guard ContinuousClock.now < deadline else {
                throw MachineError.missing("\(name) did not show \(what) within \(limit)\n\(tail())")
            }
            await withCheckedContinuation { waiter in
                let stale = state.withLock { state in
                    let stale = state.bytes.count != seen || state.ended || ContinuousClock.now >= deadline
                    if !stale { state.waiters.append(waiter) }
                    return stale
                }
                if stale { waiter.resume() }
            }
        }
    }

    /// Waits until `part` stands in the text at least `times` times.
    public func expect(_ part: String, times: Int = 1, within limit: Duration = .seconds(1200)) async throws {
        let what = times == 1 ? "\"\(part)\"" : "\"\(part)\" \(times) times"
        try await wait(for: what, within: limit) { text in
            text.components(separatedBy: part).count > times ? () : nil
        }
    }

    /// Waits for the end of the text.
    public func expectEnd(within limit: Duration = .seconds(1200)) async throws {
        try await wait(for: "its end", within: limit) { _ in hasEnded ? () : nil }
    }
}

/// Why a machine or a peer could not do what a test asked of it.
public enum MachineError: Error, CustomStringConvertible {
    /// Something that was waited for did not come; with the end of the text in which it was to stand.
    case missing(String)
    /// A script or a program of the host failed.
    case failed(String)
    /// The emulator stopped the machine.
    case stopped(String)

    public var description: String {
        switch self {
        case .missing(let text), .failed(let text), .stopped(let text): text
        }
    }
}
