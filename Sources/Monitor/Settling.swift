internal import Linux
internal import Wire

/// `postern settle`: what comes after an agent that was killed, and before anybody else asks.
public enum Settling {
    /// How long a worker that makes a mapping is waited for, in milliseconds: it waits as long for udevd.
    private static let patience: Int64 = 10_000
    /// A worker's command line, as proc(5) shows it.
    private static let commandLine: [UInt8] = Array("postern\0\(Role.worker.rawValue)\0".utf8)

    /// Removes the files that the agent could not take away, and waits up to ten seconds for the workers that it has left.
    ///
    /// A killed agent's worker ends with it, but for one that has begun to make a mapping: whoever asks before that is
    /// there would ask for it in vain.
    ///
    /// - Returns: 0, 1 when a worker is there still, or 6 where this is no initrd.
    public static func run() -> Int32 {
        guard Machine.isInitrd else {
            Log.complain("postern: settle clears up after the agent of an initrd, and this is none")
            return Int32(ExitCode.refused.rawValue)
        }
        StandingQuestion.clear()
        MissingDevices.clear()
        let deadline = Clock.now() + patience
        while let worker = firstWorker {
            let now = Clock.now()
            guard now < deadline else {
                Log.complain("postern: a worker of the agent that ended hangs")
                return 1
            }
            wait(for: worker, milliseconds: deadline - now)
        }
        return 0
    }

    private static var firstWorker: Int32? {
        Files.names(in: "/proc").compactMap { Int32($0) }.first { id in
            (try? Files.start(of: "/proc/\(id)/cmdline", count: commandLine.count)) == commandLine
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
