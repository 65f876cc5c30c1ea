internal import SSH
internal import Terminal
internal import Wire

/// A command that the monitor answers: lines, and how it ended.
final class AnswerConversation: Conversation {
    private var state: MachineState?

    override func showState(_ state: MachineState) { self.state = state }

    override func showEnd(_ code: ExitCode, _ reason: String) {
        // Whoever asked for something else has it by now.
        guard code != .done || !reason.isEmpty || command == .goOn else { return }
        let end = Report.end(
            code, reason: reason, rehearsal: state?.rehearsal ?? false, continues: goesOn(state))
        channel.say(end.out)
        channel.say(end.err, asError: true)
    }
}
