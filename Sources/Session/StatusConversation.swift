internal import SSH
internal import Terminal
internal import Wire

/// `status`: the state as it is now, once.
final class StatusConversation: Conversation {
    private let json: Bool
    private var isShown = false

    init(_ channel: Channel, json: Bool, monitor: SessionEndpoint) {
        self.json = json
        super.init(channel, .status(json: json), monitor: monitor)
    }

    override func showState(_ state: MachineState) {
        guard !isShown else { return }
        isShown = true
        channel.say(json ? Report.json(state) : Report.text(state))
    }

    override func showEnd(_ code: ExitCode, _ reason: String) {
        if code != .done { channel.say(Report.end(code, reason: reason, rehearsal: false).err, asError: true) }
    }
}
