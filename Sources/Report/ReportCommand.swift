internal import HostPrograms
internal import Linux

/// `postern report`: what the records say of this boot, and of earlier ones.
public enum ReportCommand {
    /// What the agent of this boot has left; RECORDS in postern(8).
    static let events = "/run/postern/events.jsonl"
    /// The agent keeps it within 1 MiB.
    private static let largestEvents = 4 << 20
    /// As much of the journal is read: some thousand boots.
    private static let mostEntries = 100_000
    private static let largestJournal = 64 << 20
    private static let patience = 60

    /// - Parameter arguments: what follows `report`.
    /// - Returns: the exit status: 1 without any record, 2 for wrong usage.
    public static func run(_ arguments: [String]) -> Int32 {
        var all = false
        var json = false
        var line = false
        for word in arguments {
            switch word {
            case "--all": all = true
            case "--json": json = true
            case "--line": line = true
            default: return misused("report knows no \(printable(word))")
            }
        }
        guard !line || !all && !json else { return misused("--line goes with no other option") }
        let this = thisBoot(isLogin: line)
        if line {
            // A login is no place for complaints.
            if let this { print(StoryText.line(this), terminator: "") }
            return 0
        }
        var stories: [BootStory] = []
        if all || this == nil { stories = journal(all ? "all" : "0", without: this?.boot) }
        if let this { stories.append(this) }
        guard !stories.isEmpty else {
            Log.complain(
                "postern: there is no record of Postern in "
                    + (all
                        ? "the journal, nor of this boot; to keep the journal of earlier boots, make the folder "
                            + "/var/log/journal" : "this boot: " + events + " is not there, and the journal has none"))
            return 1
        }
        for (place, story) in stories.enumerated() {
            if !json, place > 0 { print("") }
            print(json ? StoryJSON.text(story) : StoryText.text(story), terminator: "")
        }
        return 0
    }

    private static func misused(_ problem: String) -> Int32 {
        Log.complain("postern: " + problem + "\nusage: postern report [--all] [--json]\n       postern report --line")
        return 2
    }

    /// The id of this boot, as journald writes it.
    private static var boot: String {
        let bytes = (try? Files.read("/proc/sys/kernel/random/boot_id", limit: 64)) ?? []
        return String(decoding: bytes.filter { $0 != UInt8(ascii: "-") && $0 > 0x20 }, as: UTF8.self)
    }

    private static func thisBoot(isLogin: Bool) -> BootStory? {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Files.readRegular(events, limit: largestEvents)
        } catch {
            if error.code != 2, !isLogin {
                Log.complain("postern: " + error.description + (ChildProcess.isRoot ? "" : "; run it as root"))
            }
            return nil
        }
        // The clock of the initrd may have been wrong. This machine's is right by now, or nothing is.
        let start = Clock.date() * 1000 - Clock.now()
        return story(bytes, boot: boot, started: start)
    }

    /// Reads the lines of events.jsonl.
    ///
    /// - Parameters:
    ///   - bytes: the lines.
    ///   - boot: the boot's id.
    ///   - start: when the kernel started, in milliseconds since 1970.
    /// - Returns: `nil` when there is no event.
    static func story(_ bytes: [UInt8], boot: String, started start: Int64) -> BootStory? {
        var events: [BootEvent] = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard var event = BootEvent(line: line) else { continue }
            event.date = (start + event.uptime) / 1000
            events.append(event)
        }
        return events.isEmpty ? nil : BootStory(boot: boot, events)
    }

    /// What the journal has of Postern, the oldest boot first.
    ///
    /// - Parameters:
    ///   - which: the boots, as journalctl's `--boot` takes them.
    ///   - known: the id of a boot to leave out.
    /// - Returns: a story for each boot.
    private static func journal(_ which: String, without known: String?) -> [BootStory] {
        guard let program = HostProgram.find("journalctl") else { return [] }
        var words = [program, "--no-pager", "--quiet", "--all", "--output=json", "--identifier=postern"]
        words.append("--lines=" + String(mostEntries))
        if which != "all" { words.append("--boot=" + which) }
        // What others log under this name must not push that out.
        words += ["_UID=0", "+", "_TRANSPORT=kernel"]
        let result: HostProgram.Result
        do throws(SystemError) {
            result = try HostProgram.run(words, limit: largestJournal, seconds: patience)
        } catch {
            Log.complain("postern: " + error.description)
            return []
        }
        if !result.succeeded { Log.complain("postern: journalctl: " + result.failure) }
        return stories(ofJournal: result.output, without: known)
    }

    /// Reads the lines of `journalctl -o json`, the oldest first.
    static func stories(ofJournal bytes: [UInt8], without known: String?) -> [BootStory] {
        var boots: [(id: String, events: [BootEvent])] = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard let object = FlatObject(line), let id = object.text("_BOOT_ID"), id != known,
                let event = BootEvent(journal: object)
            else { continue }
            if boots.last?.id != id { boots.append((id, [])) }
            boots[boots.count - 1].events.append(event)
        }
        var stories: [BootStory] = []
        // Without an event of its own it is a command of Postern in the booted system.
        for boot in boots where boot.events.contains(where: { !$0.name.isEmpty }) {
            stories.append(BootStory(boot: boot.id, boot.events))
        }
        return stories
    }
}
