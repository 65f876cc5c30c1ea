/// One thing a reader of a file should know.
///
/// `postern check` is strict: any finding makes it exit non-zero. At boot the same finding is a logged warning, and what
/// it names is left out while the rest of the file holds.
public struct Finding: Equatable, Sendable, CustomStringConvertible {
    /// The file as the caller named it.
    public let file: String
    /// The line, counted from 1; 0 stands for the file as a whole.
    public let line: Int
    /// One lower-case sentence, the subject first.
    public let problem: String
    /// What to do about it.
    public let remedy: String

    public init(file: String, line: Int, problem: String, remedy: String) {
        self.file = file
        self.line = line
        self.problem = problem
        self.remedy = remedy
    }

    /// `FILE:LINE: problem; remedy`, without the line when it is 0.
    public var description: String {
        line > 0 ? "\(file):\(line): \(problem); \(remedy)" : "\(file): \(problem); \(remedy)"
    }
}

/// The findings of one file while it is read.
struct Notes {
    let file: String
    private var findings: [Finding] = []
    private var unlisted = 0

    init(file: String) {
        self.file = file
    }

    mutating func add(_ line: Int, _ problem: String, _ remedy: String) {
        guard findings.count < FileLimits.findings else {
            unlisted += 1
            return
        }
        findings.append(Finding(file: file, line: line, problem: problem, remedy: remedy))
    }

    mutating func add(_ more: Notes) {
        for finding in more.findings { add(finding.line, finding.problem, finding.remedy) }
    }

    /// Appends the findings to the caller's list.
    consuming func appendFindings(to list: inout [Finding]) {
        if unlisted > 0 {
            findings.append(
                Finding(
                    file: file, line: 0, problem: "\(unlisted) more problems are not listed",
                    remedy: "mend the ones above and look again"))
        }
        list += findings
    }
}
