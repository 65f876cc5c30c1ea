internal import CLinux

/// Descriptors that one of our processes passes to another, in an order that both know. Those that are open still are
/// closed when it goes.
public final class PassedDescriptors {
    /// As many as go with one frame.
    public static let most = 3

    /// Those that were closed are -1.
    public private(set) var numbers: [Int32]

    /// Takes over `numbers`, which nothing else may close from now on.
    public init(owning numbers: [Int32]) {
        self.numbers = numbers
    }

    deinit {
        for place in numbers.indices { close(place) }
    }

    public func isOpen(_ place: Int) -> Bool { numbers[place] >= 0 }

    public func close(_ place: Int) {
        guard isOpen(place) else { return }
        _ = CLinux.close(numbers[place])
        numbers[place] = -1
    }

    /// Reads what is there, up to `most` bytes, from a descriptor that does not block.
    ///
    /// - Returns: the bytes, none at the end or on an error, `nil` when it would block.
    public func read(_ place: Int, most: Int) -> [UInt8]? {
        let number = numbers[place]
        var count = 0
        var isLater = false
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: most) { buffer, filled in
            repeat { count = unsafe CLinux.read(number, buffer.baseAddress, most) } while isInterrupted(count)
            isLater = count < 0 && linux_errno() == EAGAIN
            filled = max(count, 0)
        }
        return isLater ? nil : bytes
    }

    /// Writes what fits of `bytes`.
    ///
    /// - Returns: how many of them, 0 when it would block, `nil` when nobody reads there any more.
    public func write(_ place: Int, _ bytes: [UInt8]) -> Int? {
        let number = numbers[place]
        var count = 0
        repeat {
            count = unsafe bytes.withUnsafeBytes { unsafe CLinux.write(number, $0.baseAddress, $0.count) }
        } while isInterrupted(count)
        if count >= 0 { return count }
        return linux_errno() == EAGAIN ? 0 : nil
    }

    private func isInterrupted(_ count: Int) -> Bool { count < 0 && linux_errno() == EINTR }
}
