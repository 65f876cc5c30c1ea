internal import LUKS
internal import Linux
internal import Wire

/// The job that closes volumes before the machine goes.
enum Closing {
    /// Removes the mappings one after the other. What is in use, or is no volume's, stays, and the log says why.
    static func close(_ names: [String], _ monitor: MonitorEndpoint) {
        Capabilities.keep(for: .mapVolume)
        for name in names {
            guard let mapping = Mapping(named: name) else { continue }
            guard mapping.strangeness(to: nil) == nil else { continue }
            do throws(LUKSError) {
                try WorkerRights.finishing { () throws(LUKSError) in try LUKSVolume.close(name) }
                monitor.log(.info, ["\(name): closed"])
            } catch {
                monitor.log(.warning, ["\(name): not closed: \(error.description)"])
            }
        }
    }
}
