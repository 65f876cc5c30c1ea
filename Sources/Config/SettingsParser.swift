extension Settings {
    /// Reads a whole postern.conf. A line that is not understood becomes a finding and is left out; the others hold.
    ///
    /// - Parameters:
    ///   - bytes: the file.
    ///   - file: its name, for the findings.
    ///   - findings: the list that the findings are added to.
    /// - Returns: the settings, with defaults for what is not said.
    public static func parse(_ bytes: [UInt8], file: String, into findings: inout [Finding]) -> Settings {
        var parser = SettingsParser(file: file)
        var lines = Lines(bytes, content: .text, limit: FileLimits.lineBytes)
        while let line = lines.next(&parser.notes), parser.parseLine(line) {}
        let settings = parser.settings
        parser.notes.appendFindings(to: &findings)
        return settings
    }
}

/// The settings so far, and which keywords gave them.
struct SettingsParser {
    var settings = Settings()
    var notes: Notes
    private var given: [(keyword: SettingsKeyword, line: Int)] = []

    init(file: String) {
        notes = Notes(file: file)
    }

    /// Parses one line.
    ///
    /// - Returns: whether the lines after it are to be read.
    mutating func parseLine(_ line: Line) -> Bool {
        let words: SettingsLine
        do throws(SettingsLine.Failure) { words = try SettingsLine(line) } catch {
            notes.add(line.number, "a quote is not closed, and the line is left out", "end the value with its quote")
            return true
        }
        if lowercased(words.keyword).isText("match") {
            // Its settings hold for some connections only; taken for all they could open what was meant to be shut.
            notes.add(
                line.number, "Match is not supported, and the rest of the file is left out",
                "remove the block; from=\"...\" before a key limits the addresses it may come from")
            return false
        }
        guard let keyword = SettingsKeyword(words.keyword) else {
            notes.add(
                line.number, "unknown keyword \(quoted(words.keyword)), and the line is left out",
                SettingsKeyword.remedy(forUnknown: words.keyword))
            return true
        }
        parseValues(keyword, words)
        return true
    }

    private mutating func parseValues(_ keyword: SettingsKeyword, _ line: SettingsLine) {
        if !keyword.isRepeatable, let first = given.first(where: { $0.keyword == keyword }) {
            notes.add(
                line.number, "\(keyword.name) was given in line \(first.line) already, and the first one holds",
                "remove one of the two")
            return
        }
        guard let value = line.values.first else {
            notes.add(line.number, "\(keyword.name) has no value", "write it after the keyword, or remove the line")
            return
        }
        guard keyword.takesSeveral || line.values.count == 1 else {
            notes.add(
                line.number, "\(keyword.name) has \(line.values.count) values, and the line is left out",
                keyword.isRepeatable ? "write one line for each" : "write one value")
            return
        }
        if apply(keyword, value, line) { given.append((keyword, line.number)) }
    }

    /// - Returns: whether the line said something; a later one may still do so otherwise.
    private mutating func apply(_ keyword: SettingsKeyword, _ value: String, _ line: SettingsLine) -> Bool {
        let first = !given.contains { $0.keyword == keyword }
        switch keyword {
        case .port: return parsePort(value, line.number, first: first)
        case .listenAddress: return parseListenAddress(value, line.number)
        case .hostKey: return parseHostKey(value, line.number)
        case .fallbackHostKey: return parseFallbackHostKey(value, line.number)
        case .authorizedKeysFile: return parseAuthorizedKeysFiles(line)
        case .loginGraceTime: return parseTime(keyword, value, line.number, least: 1) { $0.loginGraceTime = $1 }
        case .maxAuthTries: return parseTries(value, line.number)
        case .maxStartups: return parseMaxStartups(value, line.number)
        case .unusedConnectionTimeout:
            return parseTime(keyword, value, line.number, least: 1) { $0.unusedConnectionTimeout = $1 }
        case .imageTime: return parseImageTime(value, line.number)
        case .kexAlgorithms: settings.kexAlgorithms = AlgorithmSet.kex.parse(value, line: line.number, notes: &notes)
        case .ciphers: settings.ciphers = AlgorithmSet.ciphers.parse(value, line: line.number, notes: &notes)
        case .macs: settings.macs = AlgorithmSet.macs.parse(value, line: line.number, notes: &notes)
        case .crypttab: return parseCrypttab(value, line.number)
        case .initrd: return parseInitrd(value, line.number)
        case .console: return parseConsole(line)
        case .permitShell: return parsePermitShell(value, line.number)
        case .volume: return parseVolume(line)
        case .array: return parseArray(line)
        case .continueTimeout: return parseTime(keyword, value, line.number, least: 0) { $0.continueTimeout = $1 }
        case .notify: return parseNotify(line)
        case .dataset: return parseDataset(value, line.number)
        }
        return true
    }

    /// Adds a finding about a value that is not understood.
    mutating func refuse(_ line: Int, _ problem: String, _ remedy: String) -> Bool {
        notes.add(line, "\(problem), and the line is left out", remedy)
        return false
    }

    /// An absolute path, or `nil` and a finding.
    mutating func path(_ value: String, of keyword: SettingsKeyword, _ line: Int) -> String? {
        guard value.utf8.first == UInt8(ascii: "/"), value.utf8.count <= FileLimits.path else {
            _ = refuse(
                line, "\(keyword.name) \(quoted(value)) is no absolute path",
                "write the path from the root of the initrd, such as /etc/postern/NAME")
            return nil
        }
        return value
    }
}
