internal import Config
internal import Linux
internal import Plan
internal import Wire

/// What systemd's openers ask about the volumes that are watched.
final class NativeQuestions {
    /// One of them, with its process, which is waited for as long as it may ask again.
    private final class Asker {
        let id: String
        let question: PasswordQuestion
        let process: FileDescriptor
        var hasEnded = false

        init(_ id: String, _ question: PasswordQuestion, _ process: consuming FileDescriptor) {
            self.id = id
            self.question = question
            self.process = process
        }
    }

    private var folder: PasswordFolder
    private var askers: [Asker] = []

    /// Processes that are waited for: of those that asked, the newest.
    private static let mostAskers = 64

    /// - Throws: `SystemError` for `inotify_init1`.
    init() throws(SystemError) {
        folder = try PasswordFolder()
    }

    /// The descriptors, for `poll`: the folder's, and one for each process.
    var numbers: [Int32] { [folder.number] + askers.filter { !$0.hasEnded }.map { $0.process.number } }

    /// Reads the questions that are there now.
    func look() -> [NativeQuestion] {
        var found: [NativeQuestion] = []
        for (id, bytes) in folder.questions(limit: PasswordQuestion.largestFile) {
            guard let question = PasswordQuestion.parse(bytes), !question.isOver(now: Clock.monotonic()),
                isAlive(id, question)
            else { continue }
            found.append(
                NativeQuestion(id: id, path: question.subject, device: Files.resolved(question.subject)))
        }
        return found
    }

    /// Whether the process of a question is there. One that has gone answers nobody.
    private func isAlive(_ id: String, _ question: PasswordQuestion) -> Bool {
        if let known = askers.first(where: { $0.id == id }) { return !known.hasEnded }
        guard let process = try? FileDescriptor.process(question.process) else { return false }
        // One process is waited for by its newest question.
        askers.removeAll { $0.question.process == question.process }
        if askers.count == NativeQuestions.mostAskers { askers.removeFirst() }
        askers.append(Asker(id, question, process))
        return true
    }

    /// The questions whose process has ended since the last call.
    func ended() -> [String] {
        var set = PollSet()
        let waited = askers.filter { !$0.hasEnded }.map { ($0, set.add($0.process.number, .readable)) }
        set.wait(milliseconds: 0)
        var ended: [String] = []
        for (asker, token) in waited where !set.events(of: token).isEmpty {
            asker.hasEnded = true
            ended.append(asker.id)
        }
        return ended
    }

    /// Answers a question.
    ///
    /// - Returns: why it could not, as a clause, or `nil`.
    func answer(_ id: String, with secret: SecretBytes) -> String? {
        guard let asker = askers.first(where: { $0.id == id }), !asker.hasEnded else { return "nobody asks any more" }
        do throws(SystemError) {
            try PasswordFolder.answer(asker.question.socket, with: secret)
            return nil
        } catch { return "systemd did not take its answer: \(error.description)" }
    }
}

extension Monitor {
    /// Starts to look for what systemd asks, where a volume is watched.
    func watchQuestions() {
        guard plan.watches, isUnderSystemd else { return }
        do throws(SystemError) {
            nativeQuestions = try NativeQuestions()
            readQuestions()
        } catch { record(.warning, "what systemd asks is not shown here: \(error.description)") }
    }

    /// Tells the plan what is asked now.
    func readQuestions() {
        guard let nativeQuestions else { return }
        guard plan.watches else {
            self.nativeQuestions = nil
            return
        }
        plan.asked(nativeQuestions.look())
        for id in nativeQuestions.ended() { plan.askerEnded(id) }
    }

    /// Answers what systemd asks.
    func answerQuestion(_ id: String, of job: Int, with secret: SecretBytes) {
        guard let reason = nativeQuestions?.answer(id, with: secret) ?? noAnswer else { return }
        plan.ended(job, .done(.failed(reason)), now: Clock.now())
    }

    private var noAnswer: String? { nativeQuestions == nil ? "nobody asks any more" : nil }
}
