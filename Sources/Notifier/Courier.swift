internal import CLinux
public import Linux
internal import Notify

/// A notifier that was started, and what became of its errand.
public final class Courier {
    /// How long one may take, in milliseconds. It ends by itself before.
    private static let longest: Int64 = 35_000

    public let process: StartedProcess
    /// When it is to be killed, in milliseconds of `Clock`.
    public let deadline = Clock.now() + longest
    private let output: FileDescriptor

    /// Does an errand.
    ///
    /// - Throws: `SystemError`
    public init(_ errand: [UInt8]) throws(SystemError) {
        if errand.first == UInt8(ascii: "#") { Courier.nameServers() }
        let text = try SecretBytes(capacity: Errand.limit)
        _ = unsafe errand.withUnsafeBytes { unsafe text.append(contentsOf: $0) }
        let sealed = try SealedBytes.make(text)
        let pipe = try FileDescriptor.pipe()
        process = try ChildProcess.spawn(.notifier, descriptors: [sealed.number], error: pipe.second.number)
        _ = linux_set_nonblocking(pipe.first.number)
        output = pipe.takeFirst()
    }

    /// Why nobody took the announcement, or `nil` when somebody did. The process has ended.
    public func failure(_ status: Int32) -> String? {
        var bytes: [UInt8] = []
        do throws(SystemError) {
            let room = try SecretBytes(capacity: 400)
            try unsafe room.fill { room throws(SystemError) -> Int in unsafe try output.read(into: room) ?? 0 }
            bytes = unsafe room.withUnsafeBytes { unsafe Array($0.filter { $0 != 0x0A }) }
        } catch {}
        if status == 0, bytes.count == 3, bytes[0] == UInt8(ascii: "2") { return nil }
        // curl says why it has no answer, and then that it has none.
        if bytes.suffix(3).elementsEqual("000".utf8) { bytes.removeLast(3) }
        if status > 128 { return "its process was ended by signal " + String(status - 128) }
        return (status == 0 ? "the server answers " : "") + printable(bytes, limit: 300)
    }

    /// Does an errand, and waits for its end.
    ///
    /// - Returns: why nobody took the announcement, or `nil` when somebody did.
    static func send(_ errand: [UInt8]) -> String? {
        do throws(SystemError) {
            let courier = try Courier(errand)
            let life = try FileDescriptor.process(courier.process.id)
            var set = PollSet()
            set.add(life.number, .readable)
            set.wait(milliseconds: longest)
            ChildProcess.kill(courier.process)
            set.wait(milliseconds: nil)
            return courier.failure(ChildProcess.exited(courier.process)?.status ?? 137)
        } catch { return error.description }
    }

    /// Whether curl is there.
    public static var hasProgram: Bool { Errand.programs.contains { Files.exists($0) } }

    /// Has an initrd know the servers that its network has named. The booted system knows them by itself.
    private static func nameServers() {
        guard Machine.isInitrd else { return }
        let path = "/etc/resolv.conf"
        func read(_ path: String) -> [UInt8] { (try? Files.read(path, limit: 64 << 10)) ?? [] }
        var told = read("/run/systemd/netif/state") + read("/proc/net/pnp")
        for name in Files.names(in: "/run") where name.hasPrefix("net-") { told += read("/run/" + name) }
        if let made = Resolver.file(read(path), told: told) { try? Files.replace(path, with: made, mode: 0o644) }
    }
}
