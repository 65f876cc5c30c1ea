internal import Config
internal import Linux

/// What an image whose init is systemd must have, for the agent to run in it and for systemd to take its place.
struct SystemdCheck {
    private let root: String
    private(set) var findings: [Finding] = []

    private static let units = ["/usr/lib/systemd/system", "/lib/systemd/system", "/etc/systemd/system"]
    private static let again = "build the image again"

    /// Looks beneath the root of an unpacked image.
    ///
    /// - Parameters:
    ///   - root: that root.
    ///   - entries: the volumes that the agent opens there.
    ///   - settings: what it is told.
    init(_ root: String, entries: [CrypttabEntry], settings: Settings) {
        self.root = root
        lookAtService()
        if !settings.datasets.isEmpty {
            lookAt(
                SystemdUnits.dropInForDatasets, SystemdUnits.textForDatasets,
                "Postern does not stay until ZFS asks for \(settings.datasets.joined(separator: ", "))")
        }
        lookAtVolumes(entries)
        if case .active = settings.console {
            need(
                ["/usr/bin/systemd-ask-password", "/bin/systemd-ask-password"], "the consoles ask with it",
                "add systemd-ask-password to the image's modules")
        }
        if has(["/usr/lib/systemd/systemd-udevd", "/lib/systemd/systemd-udevd", "/usr/bin/udevadm", "/bin/udevadm"]) {
            // Without it nobody tells device-mapper that udev has done with a volume.
            need(
                ["/usr/lib/udev/rules.d/95-dm-notify.rules", "/lib/udev/rules.d/95-dm-notify.rules"],
                "a volume is opened with it", "add the module dm to the image")
        }
        need(
            [
                "/usr/lib/systemd/systemd-networkd", "/lib/systemd/systemd-networkd", "/usr/sbin/NetworkManager",
                "/usr/bin/NetworkManager", "/usr/sbin/ifup", "/sbin/ifup", "/usr/sbin/wickedd",
            ], "it or another of its kind gives the machine its addresses", "add the module network to the image")
    }

    private func has(_ paths: [String]) -> Bool {
        paths.contains { Files.exists(root + $0) }
    }

    private mutating func need(_ paths: [String], _ purpose: String, _ remedy: String) {
        if !has(paths) { add(paths[0], "it is not in the image, and \(purpose)", remedy) }
    }

    private mutating func lookAtService() {
        let unit = "postern.service"
        need(SystemdCheck.units.map { "\($0)/\(unit)" }, "it starts the agent", SystemdCheck.again)
        // The link's end is a path of the image, and leads nowhere from here.
        let isWanted = SystemdCheck.units.contains { folder in
            ["sysinit", "initrd", "cryptsetup"].contains { target in
                Files.names(in: "\(root)\(folder)/\(target).target.wants").contains { $0 == unit }
            }
        }
        if !isWanted { add("/etc/systemd/system", "\(unit) is not enabled in the image", SystemdCheck.again) }
    }

    /// A file that `postern image` writes.
    private mutating func lookAt(_ path: String, _ text: [UInt8], _ problem: String) {
        let found = (try? Files.readRegular(root + path, limit: 1 << 16)) ?? []
        if found != text { add(path, problem, SystemdCheck.again) }
    }

    /// Each volume's unit waits for the agent, and is there to ask when the agent fails.
    private mutating func lookAtVolumes(_ entries: [CrypttabEntry]) {
        let table = "/etc/crypttab"
        var ignored: [Finding] = []
        let bytes = (try? Files.readRegular(root + table, limit: 1 << 20)) ?? []
        let native = Crypttab.parse(bytes, file: table, for: .systemd, into: &ignored).entries
        let named = volumesOfKernel()
        for entry in entries {
            lookAt(
                SystemdUnits.dropIn(for: entry.name), SystemdUnits.text(for: entry.name),
                "systemd does not wait for Postern with \(printable(entry.name))")
            guard let line = native.first(where: { $0.name.utf8.elementsEqual(entry.name.utf8) }) else {
                if named.has(entry.name) { continue }
                add(
                    table, "without Postern nobody would ask for \(printable(entry.name))",
                    "give its line in the machine's crypttab the option x-initrd.attach")
                continue
            }
            if SystemdTable.needsKeyDevice(line) {
                add(
                    table, "without its key volume \(printable(entry.name)) holds up the boot, also when it is open",
                    SystemdCheck.again)
            }
        }
    }

    /// Those of the command line that dracut put into the image, and of the one that this machine was started with.
    private func volumesOfKernel() -> KernelVolumes {
        var volumes = KernelVolumes()
        let folder = "\(root)/etc/cmdline.d"
        for path in Files.names(in: folder).map({ "\(folder)/\($0)" }) + ["/proc/cmdline"] {
            volumes.read((try? Files.read(path, limit: 16 << 10)) ?? [])
        }
        return volumes
    }

    private mutating func add(_ file: String, _ problem: String, _ remedy: String) {
        findings.append(Finding(file: file, line: 0, problem: problem, remedy: remedy))
    }
}
