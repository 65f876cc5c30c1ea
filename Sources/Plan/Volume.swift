internal import Config
internal import Linux
internal import Wire

/// One line of crypttab and where it stands.
struct Volume {
    let entry: CrypttabEntry
    /// Whether the boot waits for it without limit, apart from what an array asks for.
    let required: Bool
    /// Its place among the key sources, when it has a key file.
    let source: Int?
    /// Whether postern.conf says that it is ours whatever its header says.
    let isTaken: Bool

    var phase: Phase
    var place = Devices.Place.missing
    var headerIsThere: Bool
    var facts: HeaderFacts?
    /// The job that reads its header.
    var inspecting: Int?
    /// How often a worker that read its header has died since its device last changed.
    var deaths = 0
    /// Why its key file is of no use for it, as one sentence, or empty.
    var keyProblem = ""
    /// Whether its key file has been tried, so that it is not tried again before it changes.
    var keyTried = false
    /// Whether the empty passphrase of `try-empty-password` has been tried.
    var emptyTried = false
    /// Wrong passphrases so far.
    var wrong = 0
    /// Whether it failed because something else has its name, or because its mapping is not usable.
    var nameIsTaken = false
    /// Why it failed last, so that the log has it once.
    var complaint = ""
    /// Whether another line has its device, and holds: its own native opener must not try it either.
    var isTwin = false
    /// The job that has leave to activate it.
    var activating: Int?

    enum Phase: Equatable {
        /// It is neither open nor given up.
        case closed
        case open
        /// Its header cannot be read, or it cannot be activated; a change of its device gives it another chance.
        case failed(String)
        /// The native opener's, or the boot went on without it.
        case left(String)
    }

    var name: String { entry.name }
    var device: String? {
        guard case .at(let path) = place, headerIsThere else { return nil }
        return path
    }

    /// Whether it failed, and which device it stands for is not known from its name.
    var isFailedPath: Bool {
        guard case .failed = phase, case .path = entry.device else { return false }
        return true
    }

    /// Whether a key can be tried on it now.
    var isReady: Bool { phase == .closed && facts != nil && device != nil }

    /// Whether it is on the boot's mind at all.
    var isOurs: Bool {
        if case .left = phase { return false }
        return true
    }

    /// What a worker is told of it.
    func order(rehearsal: Bool) -> VolumeOrder? {
        guard let device else { return nil }
        var order = VolumeOrder(name: name, device: device)
        let options = entry.options
        order.header = headerPath
        order.uuid = entry.identity
        order.keySlot = options.keySlot.map { Int32(clamping: $0) }
        order.dmCrypt = options.dmCrypt
        order.rehearsal = rehearsal
        return order
    }

    /// Where its detached header lies, or `nil` when it has none.
    var headerPath: String? {
        guard case .file(let path)? = entry.options.header else { return nil }
        return path
    }
}
