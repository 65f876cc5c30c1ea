internal import CLinux
internal import Config
internal import ConfigFiles
internal import Linux
internal import Network
internal import Plan
internal import Wire

/// `postern agent`.
public enum MonitorProcess {
    /// Runs the agent until the boot may go on.
    ///
    /// - Returns: 0 when it may; anything else leaves the volumes to the distribution's own prompt.
    public static func run(_ options: AgentOptions) -> Int32 {
        if options.rehearsal, Machine.isInitrd {
            Log(toKernel: false).write(LogLevel.error.rawValue, "a rehearsal opens nothing, and this is an initrd")
            return Int32(ExitCode.refused.rawValue)
        }
        var configuration = Configuration(file: options.file)
        if !options.rehearsal {
            let kernel = KernelCommandLine((try? Files.read("/proc/cmdline", limit: 16 << 10)) ?? [])
            guard !kernel.isOff else {
                Log(toKernel: Machine.isInitrd).write(
                    LogLevel.notice.rawValue, "postern=off: the boot's own prompt takes over")
                return Int32(ExitCode.refused.rawValue)
            }
            if let port = kernel.port { configuration.settings.ports = [port] }
        }
        // A boot that waits for the end of this process would never import a pool.
        let datasets = configuration.settings.datasets
        if !options.staysUntilRoot { configuration.settings.datasets = [] }
        let monitor = Monitor(configuration: configuration, options: options)
        if !options.staysUntilRoot, !options.rehearsal, !datasets.isEmpty {
            let names = datasets.joined(separator: ", ")
            monitor.record(.warning, "ZFS asks for \(names) on the consoles alone: the agent was not told to stay")
        }
        for finding in configuration.findings {
            monitor.record(.warning, finding.description)
        }
        guard !configuration.crypttab.entries.isEmpty || monitor.plan.hasDatasets else {
            monitor.record(.error, "no volume to open; the boot's own prompt takes over")
            return Int32(ExitCode.internalError.rawValue)
        }
        do throws(SystemError) {
            return try monitor.setUpAndRun()
        } catch {
            monitor.record(.error, error.description)
            return Int32(ExitCode.internalError.rawValue)
        }
    }
}

extension Monitor {
    fileprivate func setUpAndRun() throws(SystemError) -> Int32 {
        if !options.rehearsal {
            OutOfMemory.never.applyToSelf()
            _ = linux_limit_core(0)
            // A program that cores are piped to is not bound by that limit.
            _ = linux_set_not_dumpable()
        }
        // Each connection takes four descriptors here: two sockets and two processes.
        linux_raise_open_files()
        let signals = try Signals.open()
        // The sockets come first: from here on nobody is turned away, whatever the disks do.
        listen()
        try makeEmptyFolder()
        recordWaiting()
        startUnsealing()
        var paths = try PathWatch(plan.watchedPaths + (unsealing == nil ? [] : [Unsealing.device]))
        let uevents = watchesDevices ? try? Uevents() : nil
        if watchesDevices { probes = BlockDevices.all }
        for (path, isThere) in paths.changes() { plan.path(path, isThere: isThere, now: Clock.now()) }
        watchQuestions()
        watchMounts()
        startConsole()
        watchNetwork()
        prepareNotifications()
        return run(signals.number, uevents, &paths)
    }

    /// Whether block devices are looked at: by a rehearsal only where crypttab names one by anything but its path. In a
    /// boot always, for the kernel tells when something is put into a drive whose path was there all along.
    private var watchesDevices: Bool {
        guard options.rehearsal else { return true }
        return configuration.crypttab.entries.contains { entry in
            if case .path = entry.device { false } else { true }
        }
    }

    private func listen() {
        guard !configuration.keys.isEmpty, configuration.hasHostKey else {
            record(.error, "no ssh: there is no host key, or no key that may log in")
            return
        }
        let settings = configuration.settings
        for port in settings.ports {
            guard settings.listenAddresses.isEmpty else { break }
            listenEverywhere(port)
        }
        let places = settings.listenAddresses.flatMap { address in
            (address.port.map { [$0] } ?? settings.ports).map { (address: address.address, port: $0) }
        }
        for (address, port) in places {
            // `::` includes IPv4, unless another line gives this port an IPv4 address.
            let hasIPv4 = places.contains { $0.port == port && $0.address.isIPv4 }
            if address.bytes.allSatisfy({ $0 == 0 }), !hasIPv4 {
                listenEverywhere(port)
            } else {
                _ = listen(address.description, port, dual: false)
            }
        }
        for listener in listeners { record(.info, "listening on \(listener.title)") }
    }

    /// On both versions of IP, or on IPv4 where there is no other.
    private func listenEverywhere(_ port: UInt16) {
        if !listen("::", port, dual: true) { _ = listen("0.0.0.0", port, dual: false) }
    }

    private func listen(_ address: String, _ port: UInt16, dual: Bool) -> Bool {
        do throws(SystemError) {
            listeners.append(try Listener(address: address, port: port, dual: dual))
            if let place = PeerAddress(address) { listening.append(Listening(place, port: port, isDual: dual)) }
            return true
        } catch {
            record(.warning, error.description)
            return false
        }
    }

    private func makeEmptyFolder() throws(SystemError) {
        guard ChildProcess.isRoot else { return }
        guard !options.rehearsal else { return try makeEmptyFolder("/run/postern-rehearsal-\(ChildProcess.id)") }
        do throws(SystemError) {
            try Files.makeFolder("/run/postern", mode: 0o755)
            try makeEmptyFolder("/run/postern/empty")
        } catch {
            // A /run that is full or read-only does not lock the owner out.
            record(.warning, error.description)
            try makeEmptyFolder("/dev/postern-empty")
        }
    }

    private func makeEmptyFolder(_ folder: String) throws(SystemError) {
        try Files.makeFolder(folder, mode: 0o555)
        emptyFolder = folder
    }
}
