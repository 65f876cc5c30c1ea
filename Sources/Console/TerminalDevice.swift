internal import CLinux
internal import Linux

/// A terminal of this machine, such as `/dev/ttyS0`, in raw mode without echo until it is restored.
///
/// Writing never blocks: a serial line whose flow control has stopped it takes nothing for as long as it likes.
final class TerminalDevice {
    /// What may wait for a terminal that takes nothing, in bytes: several screens.
    private static let largestQueue = 16 << 10
    /// How long a terminal is left alone that refused bytes although it was ready, in milliseconds. Some drivers are
    /// ready for one byte, but take a line end only whole: without this the loop would spin.
    private static let pause: Int64 = 50

    let path: String
    var number: Int32 { descriptor.number }
    /// Whether it has hung up: it is of no use any more.
    private(set) var isGone = false
    /// Whether more was to be shown than it took: what is on it is not what should be.
    private(set) var hasLost = false

    private let descriptor: FileDescriptor
    private var settings = termios()
    private var queue: [UInt8] = []
    private var pausedUntil: Int64 = 0
    private var emptyReads = 0

    /// Opens a terminal and makes it raw. What was typed before is dropped: it was not meant for this prompt.
    ///
    /// - Throws: `SystemError` for `open`, or `tcsetattr` when it is no terminal.
    init(path: String) throws(SystemError) {
        self.path = path
        // O_NONBLOCK: opening a serial line may otherwise wait for its carrier.
        descriptor = try FileDescriptor.open(path, O_RDWR | O_NOCTTY | O_NONBLOCK)
        let number = descriptor.number
        var settings = termios()
        try check("tcsetattr(\(path))") { unsafe linux_terminal_raw(number, &settings, 0) }
        self.settings = settings
        _ = tcflush(number, TCIFLUSH)
    }

    /// Its width in columns, 0 when it does not know, as serial lines do not.
    var columns: Int {
        var rows: UInt16 = 0
        var columns: UInt16 = 0
        return unsafe linux_window_size(number, &rows, &columns) == 0 ? Int(columns) : 0
    }

    /// Makes it raw again, in case another program has set it otherwise: nothing that is typed may be echoed.
    func makeRaw(interrupts: Bool) {
        _ = linux_terminal_raw(number, nil, interrupts ? 1 : 0)
    }

    /// Reads what was typed into `room`.
    ///
    /// - Returns: whether anything came.
    func read(into room: SecretBytes) -> Bool {
        var got: Int?
        do throws(SystemError) {
            try unsafe room.fill { room throws(SystemError) -> Int in
                got = unsafe try descriptor.read(into: room)
                return got ?? 0
            }
        } catch { isGone = true }
        guard let got, got > 0 else {
            // An end of file without a hang-up: Ctrl-D, where another program has made it canonical. It is made raw
            // again with the next key; more of them in a row are no person's doing.
            emptyReads += got == 0 ? 1 : 0
            if emptyReads > 3 { isGone = true }
            return false
        }
        emptyReads = 0
        return true
    }

    /// It has hung up.
    func hangUp() {
        isGone = true
    }

    /// Whether to wait for it to take bytes.
    func wantsToWrite(now: Int64) -> Bool {
        (!queue.isEmpty || hasLost) && now >= pausedUntil
    }

    /// When to look at it again although nothing happens, or `nil`.
    func wakes(now: Int64) -> Int64? {
        (!queue.isEmpty || hasLost) && now < pausedUntil ? pausedUntil : nil
    }

    /// Shows `bytes` as soon as the terminal takes them. When too much waits already, all of it is dropped.
    func write(_ bytes: [UInt8]) {
        guard !hasLost, !isGone else { return }
        guard queue.count + bytes.count <= TerminalDevice.largestQueue else {
            queue.removeAll()
            hasLost = true
            return
        }
        queue += bytes
        flush()
    }

    /// Writes what the terminal takes of the bytes that wait.
    func flush() {
        while !queue.isEmpty, !isGone {
            do throws(SystemError) {
                let count = try unsafe queue.withUnsafeBufferPointer { bytes throws(SystemError) -> Int? in
                    unsafe try descriptor.write(UnsafeRawBufferPointer(bytes))
                }
                guard let count, count > 0 else {
                    pausedUntil = Clock.now() + TerminalDevice.pause
                    return
                }
                queue.removeFirst(count)
            } catch { isGone = true }
        }
    }

    /// Lets the terminal take bytes again after it lost some. The caller must draw the whole screen anew.
    func recover() {
        hasLost = false
    }

    /// Whether all that was written has left this machine, as far as it can be known.
    var isDrained: Bool {
        isGone || (queue.isEmpty && linux_terminal_unsent(number) == 0)
    }

    /// Gives it back as it was. What it has not taken is dropped, or closing it might wait for half a minute.
    func restore() {
        if !isDrained { _ = tcflush(number, TCOFLUSH) }
        // What was typed and not read is not for the next program's eyes.
        _ = tcflush(number, TCIFLUSH)
        _ = unsafe tcsetattr(number, TCSANOW, &settings)
        isGone = true
    }
}
