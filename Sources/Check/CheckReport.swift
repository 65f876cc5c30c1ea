public import Config

/// What one look at this machine found.
public struct CheckReport {
    /// What may keep the next boot from being unlocked; any makes `postern check` exit with 1.
    public private(set) var findings: [Finding] = []
    /// What is no fault, but worth knowing.
    public private(set) var notices: [Finding] = []

    /// What was tried out and worked: a file, and a sentence about it.
    public private(set) var proofs: [Proof] = []

    /// Something that was tried out and worked.
    public struct Proof: Equatable, Sendable {
        public let file: String
        public let text: String
    }

    public init() {}

    /// Adds a finding about a file, or about a thing with a name, such as a network card, on line 0.
    public mutating func add(_ subject: String, _ line: Int = 0, _ problem: String, remedy: String) {
        findings.append(Finding(file: subject, line: line, problem: problem, remedy: remedy))
    }

    public mutating func addNotice(_ subject: String, _ line: Int = 0, _ problem: String, remedy: String) {
        notices.append(Finding(file: subject, line: line, problem: problem, remedy: remedy))
    }

    public mutating func addProof(_ subject: String, _ text: String) {
        proofs.append(Proof(file: subject, text: text))
    }

    public mutating func add(_ other: CheckReport) {
        add(findings: other.findings, notices: other.notices)
        proofs += other.proofs
    }

    public mutating func add(findings: [Finding], notices: [Finding]) {
        self.findings += findings
        self.notices += notices
    }
}
