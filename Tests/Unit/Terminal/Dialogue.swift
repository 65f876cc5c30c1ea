import SeenTerminal
import Terminal
import Wire

/// A machine with one volume that asks and two that wait for their key file.
func machine(_ change: (inout MachineState) -> Void = { _ in }) -> MachineState {
    var state = MachineState(
        host: "nas", waiting: 125, rehearsal: false, continues: false,
        volumes: [
            VolumeStatus(name: "crypt-root", device: "UUID=1", state: .locked, asks: true, required: true),
            VolumeStatus(name: "storage-1", device: "UUID=2", state: .waitingForKey, asks: false, required: false),
            VolumeStatus(name: "storage-2", device: "UUID=3", state: .deviceMissing, asks: false, required: false),
        ], notices: [])
    change(&state)
    return state
}

/// A screen and the terminal that shows it.
struct Dialogue {
    var screen: Screen
    var terminal: SeenTerminal
    var text: String { terminal.text }

    init(columns: Int = 80, prompt: Bool = true) {
        screen = Screen(columns: columns, prompt: prompt)
        terminal = SeenTerminal(columns: columns)
    }

    mutating func showState(_ state: MachineState) { terminal.write(screen.showState(state)) }
    mutating func submitted() { terminal.write(screen.submitted()) }
    mutating func tick(_ seconds: UInt32) { terminal.write(screen.tick(seconds: seconds)) }
    mutating func tried(_ results: [TryResult], retryAfter: UInt16 = 0) {
        terminal.write(screen.tried(results, retryAfter: retryAfter))
    }
    mutating func showEnd(_ code: ExitCode, reason: String = "") {
        terminal.write(screen.showEnd(code, reason: reason))
    }
}

extension MachineState {
    func with(_ change: (inout MachineState) -> Void) -> MachineState {
        var copy = self
        change(&copy)
        return copy
    }
}
