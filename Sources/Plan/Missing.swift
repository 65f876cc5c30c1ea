internal import Config

/// Which devices the boot waits for and does not have.
extension Plan {
    /// The devices of locked volumes, and of key volumes that one of these has its key on, that are not there: as
    /// crypttab names them, each once. Empty once the boot goes on.
    ///
    /// A boot script reads it in `/run/postern/missing` and assembles arrays and logical volumes.
    public var missingDevices: [String] {
        guard !continues else { return [] }
        var names: [String] = []
        func add(_ device: DeviceSpec, _ place: Devices.Place) {
            let name = device.description
            guard place == .missing, !names.contains(name) else { return }
            // A line is a device, and a name with a control character in it is none that anybody could assemble.
            guard name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return }
            names.append(name)
        }
        for volume in volumes where volume.isClosed {
            add(volume.entry.device, volume.place)
            guard !rehearsal, let source = volume.source, let device = sources[source].medium else { continue }
            // A key that is read, or being read, needs no key volume.
            if case .missing = sources[source].state { add(device, sources[source].place) }
        }
        return names
    }
}
