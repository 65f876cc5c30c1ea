internal import LUKS
internal import Linux
internal import Wire

/// The jobs that look at a device without a key.
enum Inspection {
    /// What stands on the device; nothing when it cannot be read.
    static func probe(_ device: String) -> WorkerReport {
        Capabilities.keep(for: .probeDevice)
        let found = (try? LUKS.DeviceTags(probing: device) { WorkerRights.becomeNobody() }) ?? LUKS.DeviceTags()
        return .probed(
            Wire.DeviceTags(
                type: found.type, uuid: found.uuid, label: found.label, partitionUUID: found.partitionUUID,
                partitionLabel: found.partitionLabel))
    }

    /// What the header asks for.
    static func inspect(_ order: VolumeOrder, _ monitor: MonitorEndpoint) -> WorkerReport {
        Capabilities.keep(for: .findMapping)
        let mapping = order.rehearsal ? nil : Mapping(named: order.name)
        // What follows parses the disk. Root's own files, such as devices and libcryptsetup's locks, stay open to it.
        Capabilities.keep(for: .readHeaderOrKey)
        if order.rehearsal { LUKSVolume.neverWrite() }
        let log = LibraryLog()
        defer { monitor.log(.warning, log.removeLines().map { "\(order.name): \($0)" }) }
        do throws(LUKSError) {
            let volume = try LUKSVolume(device: order.device, header: order.header, log: log)
            var taken = ""
            var isActive = false
            do throws(LUKSError) { isActive = try volume.isOpen(as: mapping, order.uuid) } catch {
                taken = error.description
            }
            // What is open already has been somebody else's choice.
            if !isActive { try volume.require(uuid: order.uuid) }
            return .inspected(
                HeaderFacts(
                    version: volume.version, uuid: volume.uuid,
                    device: Files.resolved(order.device) ?? order.device,
                    memory: volume.derivationMemory(keySlot: order.keySlot),
                    tokens: volume.tokenTypes.map { cut($0, to: Inspection.longestTokenType) }, active: isActive,
                    taken: taken))
        } catch {
            return .done(.failed(because: error.description))
        }
    }

    /// A token's type is any text of up to 4 MiB; known ones are short words.
    private static let longestTokenType = 64
}
