internal import Config
internal import Linux
internal import Wire

/// Datasets that ZFS encrypts itself. ZFS's scripts ask for the passphrase once the pool is imported, and that waits for the
/// volumes of crypttab: so the boot is told to go on with these first, and the agent stays until the root is mounted.
extension Plan {
    /// Whether the agent stays until the root is mounted.
    public var hasDatasets: Bool { volumes.contains { $0.isDataset } }

    /// Whether it is the name of a dataset that is waited for.
    public func isDataset(_ name: String) -> Bool { volumes.contains { $0.isDataset && $0.name == name } }

    /// The root is mounted: ZFS has the keys that the boot needs.
    public mutating func rootMounted(now: Int64) {
        for index in volumes.indices where volumes[index].isDataset && volumes[index].isClosed {
            if volumes[index].question.isEmpty {
                leaveToNativeOpener(index, .notice, "ZFS has not asked for it")
            } else {
                openedNatively(index, now: now)
            }
        }
    }

    /// ZFS asks for a dataset: it has the keys of those that it asked for before.
    mutating func openedOthers(than index: Int, now: Int64) {
        for task in tasks where task.isNative && !task.isQueued {
            guard let other = task.opens, other != index, volumes[other].isDataset else { continue }
            openedNatively(other, now: now)
        }
    }

    /// Has the boot import its pools. What is not open of crypttab by now it does without.
    mutating func makeReady(now: Int64) {
        guard !isReady else { return }
        isReady = true
        endTasks()
        for index in volumes.indices where isPassedOver(index) {
            passedOver.append(volumes[index].name)
            volumes[index].state = .left(
                Volume.Left(reason: "the boot goes on without it", facts: volumes[index].facts))
        }
        for index in attempts.indices where attempts[index].isRunning {
            finishAttempt(index)
            attempts[index].secret = nil
            attempts[index].phase = .answered(since: now)
        }
        attempts.removeAll { $0.isGone && $0.isAnswered }
        actions.append(.ready(without: passedOver))
    }
}

extension Volume {
    /// A dataset of postern.conf. Nothing of it is looked at: ZFS asks for it or does not.
    init(dataset name: String) {
        let entry = CrypttabEntry(name: name, device: .path(name), key: .ask, options: VolumeOptions(), line: 0)
        let facts = HeaderFacts(version: 0, uuid: "", device: "", memory: 0, tokens: [], active: false)
        self.init(
            entry: entry, required: true, source: nil, isClaimed: true, isDataset: true, state: .locked(facts),
            method: "ZFS asks once its pool is imported", place: .at(name), headerIsThere: true)
    }
}
