internal import CLinux
internal import Config
internal import ConfigFiles
internal import Linux
internal import Plan
internal import Wire

/// The work of having the TPM open the sealed host keys, when the agent starts and never again: strangers cannot have it done again.
///
/// systemd-creds(1) writes each key into memory that signers read. This process reads no more of a key than tells what it is.
final class Unsealing {
    /// How long the TPM's device may take to appear in a boot, in milliseconds: its driver may be a module.
    private static let devicePatience: Int64 = 10_000
    /// How long systemd-creds may take for all keys, in milliseconds. A slow TPM takes two seconds for one; a TPM that hangs
    /// holds up ssh so long.
    private static let patience: Int64 = 20_000
    /// How often one key is tried: a TPM fails now and then where its machine is busy.
    private static let mostTries = 3
    static let device = "/dev/tpmrm0"

    /// What has come of it.
    enum Outcome {
        case none
        case opened(UnsealedKeys, failure: String)
        case failed(String)
    }

    /// When `step` is to be called although nothing has come.
    private(set) var deadline: Int64
    /// systemd-creds, while it runs.
    private(set) var process: StartedProcess?
    private var left: [String]
    private var path = ""
    /// How often that one was tried.
    private var tries = 0
    private let keys: UnsealedKeys
    private var errors: FileDescriptor?
    /// Whether the device may still appear.
    private var isWaiting: Bool
    private var failure = ""

    /// - Parameters:
    ///   - files: the sealed keys' paths.
    ///   - isBoot: whether this is an initrd, in which the device may come later.
    ///   - now: the time.
    /// - Throws: `SystemError` where there is no memory that has a descriptor.
    init(_ files: [String], isBoot: Bool, now: Int64) throws(SystemError) {
        left = files
        isWaiting = isBoot
        deadline = now + Unsealing.devicePatience
        keys = try UnsealedKeys()
    }

    /// Does what is to do now.
    func step(now: Int64) -> Outcome {
        if let process {
            guard now >= deadline else { return .none }
            // One whose driver hangs does not even end then; nobody waits for it.
            ChildProcess.kill(process)
            self.process = nil
            failure = "the TPM took longer than " + String(Unsealing.patience / 1000) + " s"
            left = []
        } else if isWaiting {
            let isThere = Files.exists(Unsealing.device)
            guard isThere || now >= deadline else { return .none }
            isWaiting = false
        }
        return startNext(now: now)
    }

    /// systemd-creds has ended.
    func ended(_ status: Int32) {
        process = nil
        var complaint: [UInt8] = []
        if let output = errors.take() {
            var buffer = [UInt8](repeating: 0, count: 2000)
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe (try? output.read(into: $0)) ?? 0 }
            complaint = Array(buffer.prefix(count))
        }
        if status == 0 {
            guard let problem = keys.take() else { return }
            failure = path + ": " + problem
            return
        }
        keys.drop()
        guard tries == Unsealing.mostTries else { return left.insert(path, at: 0) }
        let line = complaint.split { $0 == 0x0a || $0 == 0x0d }.last.map { printable(Array($0), limit: 200) }
        failure = line ?? "systemd-creds ended with status " + String(status)
    }

    private func startNext(now: Int64) -> Outcome {
        guard let next = left.first else { return outcome }
        guard Files.exists(Unsealing.device) else { return .failed("there is no TPM") }
        guard let program = SealingFiles.programs.first(where: { Files.exists($0) }) else {
            return .failed("there is no systemd-creds")
        }
        // The bound is for all of them.
        if path.isEmpty { deadline = now + Unsealing.patience }
        tries = next == path ? tries + 1 : 1
        path = next
        left.removeFirst()
        do throws(SystemError) {
            let pipe = try FileDescriptor.pipe()
            let name = "--name=" + SealedKey.credential
            let started = try ChildProcess.spawn(
                [program, "decrypt", name, next, "-"], output: keys.number, error: pipe.second.number)
            OutOfMemory.owner.apply(to: started)
            _ = linux_set_nonblocking(pipe.first.number)
            errors = pipe.takeFirst()
            process = started
            return .none
        } catch {
            failure = error.description
            return outcome
        }
    }

    private var outcome: Outcome { keys.lengths.isEmpty ? .failed(failure) : .opened(keys, failure: failure) }
}

/// The opened keys, one behind the other in memory that only its descriptors lead to.
final class UnsealedKeys {
    /// Where each ends behind the one before.
    private(set) var lengths: [UInt32] = []
    /// By which signers read it.
    let readable: FileDescriptor
    private let written: FileDescriptor
    private var size = 0

    /// - Throws: `SystemError`
    init() throws(SystemError) {
        written = FileDescriptor(owning: try check("memfd_create") { linux_memory() })
        readable = try FileDescriptor.open("/proc/self/fd/" + String(written.number), O_RDONLY)
    }

    deinit { wipe() }

    /// By which systemd-creds writes.
    var number: Int32 { written.number }

    /// Takes what was written as one more key.
    ///
    /// - Returns: why it is none, or `nil`.
    fileprivate func take() -> String? {
        let end = length
        let count = end - size
        let start = bytes(from: size, min(count, HostKey.startLength))
        let problem =
            count > Configuration.largestHostKey
            ? "it is too large"
            : HostKey.problem(
                start: start, end: bytes(from: max(end - HostKey.endLength, size), min(count, HostKey.endLength)))
        guard problem == nil else {
            drop()
            return problem
        }
        lengths.append(UInt32(count))
        size = end
        return nil
    }

    /// Leaves out what was written last.
    fileprivate func drop() {
        _ = ftruncate(written.number, off_t(size))
        _ = lseek(written.number, off_t(size), SEEK_SET)
    }

    private var length: Int {
        var mode: UInt32 = 0
        var size: UInt64 = 0
        var device: UInt64 = 0
        _ = unsafe linux_fstat(written.number, &mode, &size, &device)
        return Int(clamping: size)
    }

    private func bytes(from start: Int, _ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: max(count, 0))
        let got = unsafe pread(written.number, &bytes, bytes.count, off_t(start))
        return Array(bytes.prefix(max(got, 0)))
    }

    /// Overwrites the keys.
    private func wipe() {
        let zeros = [UInt8](repeating: 0, count: 4096)
        var place = 0
        while place < length {
            let count = unsafe pwrite(written.number, zeros, min(zeros.count, length - place), off_t(place))
            guard count > 0 else { return }
            place += count
        }
    }
}

extension Monitor {
    /// Begins to have sealed host keys opened, where there are some. Until that is over nobody is accepted.
    func startUnsealing() {
        guard !configuration.sealedKeys.isEmpty else {
            if configuration.sealsHostKeys { serveFallback("its file could not be read") }
            return
        }
        do throws(SystemError) {
            unsealing = try Unsealing(
                configuration.sealedKeys.map { $0.path }, isBoot: Machine.isInitrd, now: Clock.now())
        } catch { serveFallback(error.description) }
    }

    /// Goes on with that.
    func unseal() {
        guard let unsealing, ending == nil else { return }
        switch unsealing.step(now: Clock.now()) {
        case .none: break
        case .opened(let keys, let failure):
            self.unsealing = nil
            unsealed = keys
            record(.info, "the TPM has opened the sealed host key")
            if !failure.isEmpty { record(.warning, "a sealed host key stays shut: " + failure) }
        case .failed(let reason):
            self.unsealing = nil
            serveFallback(reason)
        }
    }

    /// Has the key used that whoever read the initrd has, and says so; or no ssh.
    private func serveFallback(_ reason: String) {
        var text = "the sealed host key stays shut: "
        text += reason
        guard !configuration.fallbackKeys.isEmpty else {
            text += "; there is no fallback host key, and so no ssh"
            record(.error, text, [.event("host-key-sealed"), LogField("POSTERN_REASON", reason)])
            listeners.removeAll()
            listening.removeAll()
            if network != nil { watchNetwork() }
            return
        }
        record(
            .warning, text + "; the fallback host key is used, which lies readable in the initrd",
            [.event("host-key-fallback"), LogField("POSTERN_REASON", reason)])
        usesFallbackKey = true
        plan.warning = "This host key lay readable in the initrd: the machine may not be yours. "
        plan.warning += "The sealed one stays shut: " + reason
    }
}
