internal import Config
internal import Linux
internal import Wire

/// One line of crypttab and where it stands.
struct Volume {
    let entry: CrypttabEntry
    /// Whether the boot waits for it without limit, apart from what an array asks for.
    let required: Bool
    /// The place of its key file among the key sources, when it has one.
    let source: Int?
    /// Whether `Volume NAME take` of postern.conf claims it whatever its header says.
    let isClaimed: Bool

    /// Whether it is a dataset that ZFS encrypts, and no line of crypttab.
    var isDataset = false
    var state: State
    /// What systemd opens it by, where its own opener has it and Postern asks what that asks; `nil` where Postern opens it.
    var method: String?
    /// The question of systemd's opener that was answered last, and the one that was seen last.
    var answered = ""
    var question = ""
    /// Whether systemd's opener has ended: what is read next tells whether it left the volume open.
    var isAbandoned = false
    var place = Devices.Place.missing
    var headerIsThere: Bool
    /// Why its key file is of no use for it, as one sentence, or empty.
    var keyProblem = ""
    /// Whether its key file has been tried, so that it is not tried again before it changes.
    var keyTried = false
    /// Whether the empty passphrase of `try-empty-password` has been tried.
    var emptyTried = false
    /// Wrong passphrases so far.
    var wrong = 0
    /// Why it failed last, so that the log has it once.
    var complaint = ""

    /// A job that derives its key, activates it or is overdue at that says so itself: `Task.State`.
    enum State {
        /// Its device or its detached header is not there.
        case waiting
        /// Its header is to be read. `deaths` counts the workers that have died of it since its device last changed.
        case unread(deaths: Int)
        case reading(job: Int, deaths: Int)
        /// Its header has been read, and a key can be tried on it.
        case locked(HeaderFacts)
        /// What was read of its header, unless somebody else opened it before it was read.
        case open(HeaderFacts?)
        case failed(Failure)
        case left(Left)
    }

    /// Why the native opener has it, or the boot went on without it.
    struct Left {
        let reason: String
        /// What was read of its header.
        var facts: HeaderFacts?
        /// Whether another line for its device is used instead: the native opener must skip it too.
        var isTwin = false
    }

    /// Why its header cannot be read, or it cannot be activated; a change of its device gives it another chance.
    struct Failure {
        let reason: String
        /// What was read of its header.
        var facts: HeaderFacts?
        /// Whether something else has its name, or its mapping is not usable.
        var nameIsTaken = false
    }

    var name: String { entry.name }

    /// Its device, where that and its detached header are there.
    var device: String? {
        guard case .at(let path) = place, headerIsThere else { return nil }
        return path
    }

    /// Whether it is neither open nor failed nor left.
    var isClosed: Bool {
        switch state {
        case .waiting, .unread, .reading, .locked: true
        case .open, .failed, .left: false
        }
    }

    var isOpen: Bool {
        if case .open = state { true } else { false }
    }

    /// Whether a key can be tried on it now.
    var isLocked: Bool {
        if case .locked = state { true } else { false }
    }

    /// Whether Postern manages it, and does not leave it to the native opener.
    var isManaged: Bool {
        if case .left = state { false } else { true }
    }

    /// Whether systemd opens it, and Postern answers for whoever is to be asked.
    var isWatched: Bool { method != nil }

    var isTwin: Bool {
        if case .left(let left) = state { left.isTwin } else { false }
    }

    var isReading: Bool {
        if case .reading = state { true } else { false }
    }

    var nameIsTaken: Bool {
        if case .failed(let failure) = state { failure.nameIsTaken } else { false }
    }

    /// What was read of its header.
    var facts: HeaderFacts? {
        switch state {
        case .waiting, .unread, .reading: nil
        case .locked(let facts): facts
        case .open(let facts): facts
        case .failed(let failure): failure.facts
        case .left(let left): left.facts
        }
    }

    /// Whether it failed, and which device it stands for is not known from its name.
    var isFailedPath: Bool {
        guard case .failed = state, case .path = entry.device else { return false }
        return true
    }

    /// Who asks for its passphrase where it is watched.
    var asker: String { isDataset ? "ZFS" : "systemd" }

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
