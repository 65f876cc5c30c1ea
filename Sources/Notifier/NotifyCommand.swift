internal import Config
internal import ConfigFiles
internal import Linux
internal import Notify

/// `postern notify`.
public enum NotifyCommand {
    /// How often what is pending is tried, with pauses of 1, 2, 4 seconds and so on between: for nine minutes.
    private static let tries = 10

    /// - Parameters:
    ///   - word: `--test`, `--pending` or `--files`.
    ///   - file: the path of postern.conf.
    /// - Returns: the exit status, 1 when somebody could not be told, or a file is not there; `nil` for another word.
    public static func run(_ word: String, file: String) -> Int32? {
        switch word {
        case "--test": return test(file)
        case "--pending": return sendPending()
        case "--files": return listFiles(file)
        default: return nil
        }
    }

    private static func targets(_ file: String) -> [NotifyTarget] { Configuration(file: file).settings.notify }

    private static func test(_ file: String) -> Int32 {
        let targets = targets(file)
        // Nobody was told.
        var result: Int32 = targets.isEmpty ? 1 : 0
        if targets.isEmpty { Log.complain("postern: " + file + " has no Notify line") }
        let host = Machine.hostName
        let announcement = Announcement("test", host + ": a test of Postern's Notify lines", at: Clock.date())
        for target in targets {
            let failure = Courier.send(Array(Errand.text(announcement, to: target, host: host).utf8))
            if failure != nil { result = 1 }
            print("Notify " + target.title + ": " + (failure ?? "sent"))
        }
        return result
    }

    /// curl and the certificates, where a line needs them.
    private static func listFiles(_ file: String) -> Int32 {
        guard targets(file).contains(where: { $0.address == nil }) else { return 0 }
        for kind in [Errand.programs, Errand.certificates] {
            guard let path = kind.first(where: { Files.exists($0) }) else {
                Log.complain("postern: Notify with https:// takes curl and ca-certificates; install both")
                return 1
            }
            print(path)
        }
        return 0
    }

    private static func sendPending() -> Int32 {
        var pause: Int64 = 1000
        for _ in 0..<tries {
            guard let bytes = try? Files.readRegular(Outbox.file, limit: Outbox.largestFile) else { return 0 }
            var left: [UInt8] = []
            for errand in bytes.split(separator: 0) {
                guard let failure = Courier.send(Array(errand)) else { continue }
                Log.complain("postern: Notify: " + failure)
                left += errand + [0]
            }
            guard !left.isEmpty else {
                Files.remove(Outbox.file)
                return 0
            }
            try? Files.replace(Outbox.file, with: left, mode: 0o600)
            var set = PollSet()
            set.wait(milliseconds: pause)
            pause *= 2
        }
        return 1
    }
}
