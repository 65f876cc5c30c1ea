internal import LUKS
internal import Linux
internal import Wire

/// The job that opens a volume.
enum Unlocking {
    /// Tries the passphrase, asks the monitor for permission, and makes the mapping. A rehearsal ends after the first of these.
    static func unlock(_ order: VolumeOrder, _ passphrase: SecretBytes, _ monitor: MonitorEndpoint) -> JobOutcome {
        if order.rehearsal {
            Capabilities.keep(for: .readHeaderOrKey)
            LUKSVolume.neverWrite()
        } else {
            Capabilities.keep(for: .mapVolume)
        }
        let log = LibraryLog()
        let outcome: JobOutcome
        do throws(LUKSError) {
            outcome = try open(order, passphrase, monitor, log)
        } catch {
            outcome = .failed(because: error.description)
        }
        switch outcome {
        // What libcryptsetup says of these is in the outcome already.
        case .wrongKey, .alreadyOpen, .notPermitted: break
        case .opened, .failed: monitor.log(.warning, log.removeLines().map { "\(order.name): \($0)" })
        }
        return outcome
    }

    private static func open(
        _ order: VolumeOrder, _ typed: SecretBytes, _ monitor: MonitorEndpoint, _ log: LibraryLog
    ) throws(LUKSError) -> JobOutcome {
        let volume = try LUKSVolume(device: order.device, header: order.header, log: log)
        if !order.rehearsal, try volume.isOpen(as: Mapping(named: order.name), order.uuid) { return .alreadyOpen }
        // Another disk may stand there since the header was inspected, or a disk may show another header every time.
        try volume.require(uuid: order.uuid)
        // The slow part, before it asks for permission: meanwhile another prompt may have opened the volume, or the monitor
        // may have died. A mapping that appears later, behind a waiting native prompt, hangs a boot.
        // A mark before it is hardly ever meant; with it the passphrase comes second, in the same try.
        var passphrase = TextMark.removed(from: typed) ?? typed
        var match = try volume.tryPassphrase(passphrase, keySlot: order.keySlot)
        if case .wrong = match, passphrase !== typed {
            passphrase = typed
            match = try volume.tryPassphrase(passphrase, keySlot: order.keySlot)
        }
        guard case .right(let slot, let volumeKey) = match else { return .wrongKey }
        if order.rehearsal { return .opened(slot: slot) }
        guard monitor.permitsActivation(slot: slot) else { return .notPermitted }
        // Killed in the middle of it, this would leave a device without a table, which no opener gets past.
        let activation = try WorkerRights.finishing { () throws(LUKSError) in
            guard let volumeKey else {
                return try volume.activate(as: order.name, passphrase: passphrase, flags: order.dmCrypt)
            }
            return try volume.activate(as: order.name, volumeKey: volumeKey, flags: order.dmCrypt)
        }
        switch activation {
        case .existed: return .alreadyOpen
        case .made(let udevAnswered):
            if !udevAnswered {
                monitor.log(
                    .warning,
                    ["\(order.name): udev did not answer; is 95-dm-notify.rules with dmsetup missing in this image?"])
            }
            return .opened(slot: slot)
        }
    }
}
