internal import Linux
internal import Plan
internal import Wire

/// The wait for datasets that ZFS encrypts: the boot goes on by itself meanwhile.
extension Monitor {
    /// Where every initrd of systemd mounts the root.
    private static let root = "/sysroot"

    /// Starts to look for the root, where datasets are waited for.
    func watchMounts() {
        guard plan.hasDatasets else { return }
        do throws(SystemError) {
            mounts = try MountWatch()
            readMounts()
        } catch { record(.error, "the root is not seen when it is mounted: \(error.description)") }
    }

    /// Tells the plan that the root is mounted.
    func readMounts() {
        guard let mounts, mounts.holds(Monitor.root) else { return }
        self.mounts = nil
        plan.rootMounted(now: Clock.now())
    }

    /// Lets the boot import its pools.
    func makeReady(without: [String]) {
        let missing = without.isEmpty ? "" : " Without \(without.joined(separator: ", "))."
        record(.notice, "the boot imports its pools; ZFS is waited for.\(missing)")
        waitForLinks()
        writeSkips(without)
        serviceManager.setReady()
    }
}
