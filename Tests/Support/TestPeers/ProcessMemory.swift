import Foundation
import Glibc

/// The memory of another process, as root can read it.
public enum ProcessMemory {
    /// A mapping that holds what was looked for.
    public struct Copy: CustomStringConvertible, Sendable {
        public let process: Int32
        /// Its lines of `/proc/PID/smaps` that say what it is.
        public let mapping: String
        public let flags: Set<Substring>
        /// What it holds of the secret.
        public let length: Int

        /// Whether it is locked, left out of core dumps and read as zeros after a fork, as only `SecretBytes` is.
        public var isSecretBytes: Bool { flags.isSuperset(of: ["lo", "dd", "wf"]) }

        public var description: String {
            "\(length) bytes in process \(process), \(mapping) \(flags.sorted().joined(separator: " "))"
        }
    }

    /// Where parts of a secret lie, of eight bytes or more, in all that the process can read.
    public static func places(of secret: Secret, in process: Int32) throws -> [Copy] {
        let memory = open("/proc/\(process)/mem", O_RDONLY | O_CLOEXEC)
        guard memory >= 0 else { throw PeerError.tool("/proc/\(process)/mem: errno \(errno)") }
        defer { close(memory) }
        var places: [Copy] = []
        for (line, flags) in try mappings(of: process) {
            let words = line.split(separator: " ")
            let ends = words[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
            // The kernel's own pages in every process are not read this way.
            guard flags.contains("rd"), ends.count == 2, !line.contains("[vvar"), !line.contains("[vsyscall]") else {
                continue
            }
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(ends[1] - ends[0]), alignment: 8)
            defer { buffer.deallocate() }
            var count = 0
            while count < buffer.count {
                let room = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
                let read = pread(memory, room.baseAddress, room.count, off_t(ends[0]) + count)
                guard read > 0 else { break }
                count += read
            }
            // What lies behind a file's end cannot be read; all else must be.
            guard count == buffer.count || line.contains("/") else {
                throw PeerError.tool("\(line) of process \(process) was read up to byte \(count): errno \(errno)")
            }
            for length in secret.traces(in: UnsafeRawBufferPointer(rebasing: buffer[..<count])) {
                places.append(Copy(process: process, mapping: line, flags: flags, length: length))
            }
        }
        return places
    }

    private static func mappings(of process: Int32) throws -> [(line: String, flags: Set<Substring>)] {
        var mappings: [(line: String, flags: Set<Substring>)] = []
        for line in try text(of: "/proc/\(process)/smaps").split(separator: "\n") {
            if line.hasPrefix("VmFlags:") {
                mappings[mappings.count - 1].flags = Set(line.split(separator: " ").dropFirst())
            } else if line.first.map({ $0.isHexDigit && !$0.isUppercase }) ?? false {
                mappings.append((String(line), []))
            }
        }
        return mappings
    }

    /// Foundation takes the first short read for the end of such a file.
    private static func text(of path: String) throws -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw PeerError.tool("\(path): errno \(errno)") }
        defer { close(file) }
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(file, &room, room.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += room[..<count]
        }
    }
}
