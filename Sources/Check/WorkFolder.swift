internal import CLinux
internal import HostPrograms
internal import Linux

/// A folder below `/var/tmp` that only its user can enter.
///
/// It is locked, flock(2), by the process that made it, and no longer than that lives: one that nobody has locked was left
/// behind by a `postern check` that was killed, with the host keys of an image in it.
struct WorkFolder {
    let path: String
    /// The descriptor that has the lock.
    private let lock: Int32

    private static let start = "postern-check."
    /// What mkdtemp(3) fills in.
    private static let filling = "XXXXXX"
    /// Another process may take a new one for left behind, until it is locked.
    private static let mostTries = 3

    /// Where such folders are. In `/tmp` an image could take half of the memory.
    static var home: String { Files.isFolder("/var/tmp") ? "/var/tmp" : "/tmp" }

    /// Makes one.
    ///
    /// - Parameter home: the folder that it lies in.
    /// - Throws: `SystemError` for `mkdtemp`, `open` or `flock`.
    init(in home: String = WorkFolder.home) throws(SystemError) {
        var tries = 0
        while true {
            let made = try WorkFolder.make(home + "/" + WorkFolder.start + WorkFolder.filling)
            tries += 1
            let number = unsafe linux_lock_own_folder(made)
            guard number == -1 else {
                path = made
                lock = number
                return
            }
            guard tries < WorkFolder.mostTries else { throw SystemError("flock(\(made))", code: linux_errno()) }
        }
    }

    /// Removes it with all that is in it, once.
    func remove() {
        _ = WorkFolder.remove(path)
        _ = close(lock)
    }

    private static func make(_ pattern: String) throws(SystemError) -> String {
        var name = pattern.utf8.map { CChar(bitPattern: $0) } + [0]
        let isMade = unsafe name.withUnsafeMutableBufferPointer { bytes in
            unsafe bytes.baseAddress.map { unsafe mkdtemp($0) != nil } ?? false
        }
        guard isMade else { throw SystemError("mkdtemp(\(pattern))", code: linux_errno()) }
        return String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes the folders of this user that nobody has locked.
    ///
    /// - Parameter home: the folder that they lie in.
    /// - Returns: those that could not be removed, each with the reason.
    static func removeLeft(in home: String = WorkFolder.home) -> [(path: String, reason: String)] {
        var kept: [(path: String, reason: String)] = []
        for name in Files.names(in: home)
        where name.hasPrefix(start) && name.utf8.count == start.utf8.count + filling.utf8.count {
            let path = home + "/" + name
            let number = unsafe linux_lock_own_folder(path)
            guard number != -1 else { continue }
            if let reason = remove(path) { kept.append((path, reason)) }
            _ = close(number)
        }
        return kept
    }

    /// - Returns: why it is not removed, or `nil`.
    private static func remove(_ path: String) -> String? {
        guard let program = HostProgram.find("rm") else { return "rm is not installed" }
        do throws(SystemError) {
            let result = try HostProgram.run([program, "-rf", "--", path], seconds: 60)
            return result.succeeded ? nil : result.failure
        } catch { return error.description }
    }
}
