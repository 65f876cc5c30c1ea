internal import Config
internal import ConfigFiles
internal import Linux
internal import Plan
internal import Wire

/// `postern settle`: what comes after an agent that failed, and before anybody else asks.
public enum Settling {
    /// How long a worker that makes a mapping is waited for, in milliseconds: it waits as long for udevd.
    private static let patience: Int64 = 10_000
    /// How often the names are checked without uevents, and the service timeout is extended, in milliseconds.
    private static let interval: Int64 = 5_000
    /// A worker's command line, as proc(5) shows it.
    private static let commandLine: [UInt8] = Array("postern\0\(Role.worker.rawValue)\0".utf8)

    /// Removes files that the agent left, waits up to ten seconds for its workers, and without limit while a foreign
    /// mapping has the name of a volume that the boot needs.
    ///
    /// A killed agent's workers end with it, except one that has begun to make a mapping: a native prompt that asked before
    /// the mapping is made would not notice it. And the native opener takes every mapping of the right name for the volume,
    /// and would boot from somebody else's disk.
    ///
    /// - Parameter file: the path of postern.conf.
    /// - Returns: 0, 1 when a worker is there still, or 6 where this is no initrd.
    public static func run(_ file: String) -> Int32 {
        guard Machine.isInitrd else {
            Log.complain("postern: settle clears up after the agent of an initrd, and this is none")
            return Int32(ExitCode.refused.rawValue)
        }
        StandingQuestion.clear()
        MissingDevices.clear()
        let isSettled = waitForWorkers()
        waitForNames(file)
        return isSettled ? 0 : 1
    }

    private static func waitForWorkers() -> Bool {
        let deadline = Clock.now() + patience
        while let worker = firstWorker {
            let now = Clock.now()
            guard now < deadline else {
                Log.complain("postern: a worker of the agent that ended hangs")
                return false
            }
            wait(for: worker, milliseconds: deadline - now)
        }
        return true
    }

    private static func waitForNames(_ file: String) {
        guard !KernelCommandLine((try? Files.read("/proc/cmdline", limit: 16 << 10)) ?? []).isOff else { return }
        let configuration = Configuration(file: file)
        let volumes = Plan(
            settings: configuration.settings, crypttab: configuration.crypttab, host: "", rehearsal: false,
            keyFolder: nil, now: 0
        ).indispensable
        let log = Log(toKernel: true)
        defer { log.restore() }
        let manager = ServiceManager()
        // From here on no change is missed.
        let uevents = try? Uevents()
        var set = PollSet()
        switch uevents {
        case .some(let uevents): set.add(uevents.number, .readable)
        case .none: break
        }
        var said = ""
        while let obstacle = obstacle(volumes) {
            if obstacle != said {
                said = obstacle
                log.write(LogLevel.error.rawValue, "the boot waits: \(obstacle)")
                // A console that shows no kernel messages shows this.
                if !ServiceManager.isSystemd { Log.complain("postern: the boot waits: \(obstacle)") }
                manager.setStatus(obstacle)
            }
            manager.extendTimeout(seconds: 6 * interval / 1000)
            set.wait(milliseconds: interval)
            var isLost = false
            switch uevents {
            case .some(let uevents): while uevents.next(lost: &isLost) != nil {}
            case .none: break
            }
        }
        if !said.isEmpty { log.write(LogLevel.notice.rawValue, "the names are free; the boot's own prompt takes over") }
    }

    /// Why the first of these volumes' names cannot be left to whoever comes next, or `nil`.
    private static func obstacle(_ volumes: [(name: String, uuid: String?)]) -> String? {
        for volume in volumes {
            // A broken mapping of the volume itself is left to the native opener, which reports it.
            guard let reason = Mapping(named: volume.name)?.strangeness(to: volume.uuid) else { continue }
            return "\(volume.name): \(reason)"
        }
        return nil
    }

    private static var firstWorker: Int32? {
        Files.names(in: "/proc").compactMap { Int32($0) }.first { id in
            (try? Files.readStart(of: "/proc/\(id)/cmdline", count: commandLine.count)) == commandLine
        }
    }

    private static func wait(for process: Int32, milliseconds: Int64) {
        var set = PollSet()
        do throws(SystemError) {
            let watch = try FileDescriptor.process(process)
            set.add(watch.number, .readable)
            set.wait(milliseconds: milliseconds)
        } catch {
            // It has ended just now, or cannot be watched.
            set.wait(milliseconds: min(milliseconds, 100))
        }
    }
}
