internal import Linux
internal import Plan
internal import Wire

/// `/run/postern/missing`: the devices that are waited for, one a line, while any is.
///
/// In an initrd that assembles arrays and logical volumes only when its own step waits for the root, a boot script beside
/// the agent looks at this file and does it meanwhile.
struct MissingDevices {
    private static let path = "/run/postern/missing"
    /// What the file says.
    private var written: [String] = []
    private var hasFailed = false

    /// Removes the file that an agent has left.
    static func clear() {
        Files.remove(path)
    }

    /// Makes the file say `devices`, at once and whole, or removes it when there are none.
    ///
    /// - Returns: why it could not, the first time; nothing else depends on it.
    mutating func write(_ devices: [String]) -> SystemError? {
        guard devices != written else { return nil }
        written = devices
        guard !devices.isEmpty else {
            Files.remove(MissingDevices.path)
            return nil
        }
        var text = ""
        for device in devices { text += "\(device)\n" }
        do throws(SystemError) {
            try Files.replace(MissingDevices.path, with: Array(text.utf8), mode: 0o644)
            return nil
        } catch {
            defer { hasFailed = true }
            return hasFailed ? nil : error
        }
    }
}

extension Monitor {
    /// Tells the boot's scripts which devices are waited for. Until all devices were looked at, nobody knows.
    func writeMissingDevices() {
        guard !options.rehearsal, probes.isEmpty, ending == nil else { return }
        guard let error = missingDevices.write(plan.missingDevices) else { return }
        record(.warning, "arrays and logical volumes may not be assembled while this waits: \(error.description)")
    }

    /// Nothing is waited for any more.
    func removeMissingDevices() {
        guard !options.rehearsal else { return }
        _ = missingDevices.write([])
    }
}
