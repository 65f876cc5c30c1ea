import Foundation

/// Where this run's keys and machines lie, removed when the process exits.
let runFolder: URL = {
    let folder = FileManager.default.temporaryDirectory.appending(path: "postern-tests-\(getpid())")
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    atexit { try? FileManager.default.removeItem(at: runFolder) }
    return folder
}()

/// The keys that every test machine of this run shares: what its owner has, and what it shows.
struct Keys: Sendable {
    let folder: URL

    static let shared = Task { try await Keys() }

    /// Those in a folder that another script made.
    init(folder: URL) { self.folder = folder }

    private init() async throws {
        folder = runFolder.appending(path: "keys")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (name, type) in [("id", "ed25519"), ("ssh_host_ed25519_key", "ed25519"), ("ssh_host_rsa_key", "rsa")] {
            let file = folder.appending(path: name).path
            let made = try await runProgram(["ssh-keygen", "-q", "-t", type, "-N", "", "-C", "test", "-f", file])
            guard made.status == 0 else { throw MachineError.failed("ssh-keygen: \(made)") }
        }
    }

    /// The lines of a known_hosts file for the machine at `address`; none of a machine without keys.
    func knownHosts(at address: MachineAddress) throws -> String {
        try ["ssh_host_ed25519_key", "ssh_host_rsa_key"].map { folder.appending(path: $0 + ".pub") }
            .filter { FileManager.default.fileExists(atPath: $0.path) }
            .map { "[\(address.host)]:\(address.port) \(try String(contentsOf: $0, encoding: .utf8))" }
            .joined()
    }
}

extension Setup {
    /// The agent that goes into the initrd, the shipped binary unless `POSTERN_AGENT` says otherwise.
    var agentPath: String {
        switch architecture {
        case .amd64:
            ProcessInfo.processInfo.environment["POSTERN_AGENT"]
                ?? Disks.root.appending(path: ".build-initrd/postern-initrd").path
        case .arm64: Disks.root.appending(path: ".build-initrd/arm64/postern-initrd").path
        }
    }

    /// The kernel's command line beyond what every machine has; its last console, and init's, stays ttyS0.
    var kernelArguments: String { secondConsole ? "console=hvc0 \(commandLine)" : commandLine }

    /// Writes the initrd to `initrd` in `work`, a folder of the machine's own.
    func writeInitrd(in work: URL, disks: Disks, keys: Keys) async throws {
        let files = FileManager.default
        let tree = work.appending(path: "tree")
        let etc = tree.appending(path: "etc")
        let bin = tree.appending(path: "bin")
        let postern = etc.appending(path: "postern")
        try files.createDirectory(at: postern, withIntermediateDirectories: true)
        try files.createDirectory(at: bin, withIntermediateDirectories: true)
        try files.copyItem(atPath: agentPath, toPath: bin.appending(path: "postern").path)
        for name in ["ssh_host_ed25519_key", "ssh_host_rsa_key"] {
            try files.copyItem(at: keys.folder.appending(path: name), to: postern.appending(path: name))
        }
        try files.copyItem(at: keys.folder.appending(path: "id.pub"), to: postern.appending(path: "authorized_keys"))

        let standard = """
            Port 2222
            HostKey /etc/postern/ssh_host_ed25519_key
            HostKey /etc/postern/ssh_host_rsa_key
            AuthorizedKeysFile /etc/postern/authorized_keys
            Crypttab /etc/crypttab

            """
        try (standard + configuration + "\n").write(to: postern.appending(path: "postern.conf"))
        try (disks.filled(crypttab) + "\n").write(to: etc.appending(path: "crypttab"))
        try """
        AGENT='\(agent)'
        NETWORK=\(network)
        CONTROL=\(control ? "ttyS1" : "")
        UDEV=\(udev ? "yes" : "no")
        SURVEY=yes
        MODULES='\(modules)\(secondConsole ? " virtio_console" : "")'
        INIT=\(newInit)

        """.write(to: etc.appending(path: "machine"))
        for program in programs { try await add(program, to: tree) }
        for (path, text) in self.files {
            let file = tree.appending(path: path)
            try files.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: file)
        }
        if udev {
            let made = try await runProgram([Disks.script("udev"), tree.path])
            guard made.status == 0 else { throw MachineError.failed("udevd was not added: \(made)") }
        }

        let made = try await runProgram(
            [Disks.script("initrd"), work.appending(path: "initrd").path, tree.path, architecture.rawValue]
                + (flavour.map { [$0] } ?? []))
        guard made.status == 0 else { throw MachineError.failed("the initrd was not made: \(made)") }
        try files.removeItem(at: tree)
    }

    /// Copies a program of the host and the libraries it is linked with.
    private func add(_ program: String, to tree: URL) async throws {
        let libraries = try await runProgram(["ldd", program]).output.split(whereSeparator: \.isWhitespace)
            .filter { $0.hasPrefix("/") }.map(String.init)
        for path in libraries {
            let target = tree.appending(path: path)
            let source = URL(filePath: path).resolvingSymlinksInPath()
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
            if !FileManager.default.fileExists(atPath: target.path) {
                try FileManager.default.copyItem(at: source, to: target)
            }
        }
        let name = URL(filePath: program).lastPathComponent
        try FileManager.default.copyItem(
            at: URL(filePath: program).resolvingSymlinksInPath(), to: tree.appending(path: "bin/\(name)"))
    }
}

extension String {
    fileprivate func write(to file: URL) throws {
        try write(to: file, atomically: false, encoding: .utf8)
    }
}
