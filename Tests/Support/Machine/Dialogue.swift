import CMachine
import Foundation
import Glibc

/// A program at a terminal of its own, with somebody typing: what a person sees and does.
public final class Dialogue: Sendable {
    private let terminal: Int32
    private let child: Child
    /// What the terminal shows. Escape sequences stay in it.
    public let screen: Transcript

    public init(_ arguments: [String], rows: UInt16 = 24, columns: UInt16 = 80) throws {
        let name = arguments.joined(separator: " ")
        var master: Int32 = -1
        var side: Int32 = -1
        guard machine_terminal(&master, &side, rows, columns) == 0 else {
            throw MachineError.failed("no terminal for \(name): errno \(errno)")
        }
        defer { close(side) }
        terminal = master
        // Its own session with this as the controlling terminal, so that Ctrl-C and a hang-up mean what they mean.
        child = try Child(["setsid", "--ctty", "--wait"] + arguments, descriptors: [side, side, side])
        screen = Transcript("the terminal of \(name)", following: dup(terminal))
    }

    deinit {
        close(terminal)
    }

    /// Types `text`; a return is "\r".
    public func type(_ text: String) {
        _ = Array(text.utf8).withUnsafeBytes { write(terminal, $0.baseAddress, $0.count) }
    }

    /// Changes the window's size, as dragging its corner does.
    public func resize(rows: UInt16, columns: UInt16) {
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(terminal, UInt(TIOCSWINSZ), &size)
    }

    public func expect(_ part: String, times: Int = 1, within limit: Duration = .seconds(1200)) async throws {
        try await screen.expect(part, times: times, within: limit)
    }

    /// Waits for the program's exit status.
    public func status(within limit: Duration = .seconds(1200)) async throws -> Int32 {
        do {
            return try await child.status(within: limit)
        } catch {
            throw MachineError.missing("\(screen.name) did not end within \(limit)\n\(screen.tail())")
        }
    }

    /// Ends the program, as closing the window would.
    public func hangUp() {
        child.kill(SIGHUP)
    }
}
