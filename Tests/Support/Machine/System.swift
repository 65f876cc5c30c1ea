public import Foundation

/// A release of Debian, by its name: 12, 13, and testing.
public enum Suite: String, Sendable, CaseIterable {
    case bookworm
    case trixie
    case forky

    /// Those whose systems are booted: what `Tests/run` names in POSTERN_SUITES, and otherwise the stable one.
    public static var tested: [Suite] {
        guard let names = ProcessInfo.processInfo.environment["POSTERN_SUITES"] else { return [.trixie] }
        return names.split(separator: " ").map {
            guard let suite = Suite(rawValue: String($0)) else {
                fatalError("POSTERN_SUITES: no suite is called \($0)")
            }
            return suite
        }
    }

    /// The folder of its tree, from `Tests/Support/qemu/debian`, which takes two minutes and root rights to make it.
    public func folder() async throws -> String {
        let made = try await runProgram([Disks.script("debian"), rawValue], within: .seconds(3600))
        guard made.status == 0 else { throw MachineError.failed("the tree of \(rawValue) was not made: \(made)") }
        return made.output.trimmingCharacters(in: .newlines)
    }
}

/// An installed Debian system with Postern's package, and how it is booted: by its own kernel and initrd.
public struct System: Sendable {
    public var suite: Suite
    /// Its name in `Tests/Support/qemu/systems`, which says what it is.
    public var name: String
    /// The disks it starts with, of those that belong to it.
    public var disks: [String]
    /// The root on the kernel's command line.
    public var root = "/dev/mapper/crypt-root"
    /// `ip=` on the kernel's command line, as initramfs-tools has it; nothing for its default, DHCP.
    public var address: String? = "10.0.2.15::10.0.2.2:255.255.255.0::ens2:off"
    /// More of the kernel's command line.
    public var commandLine = ""
    public var network = Network.forwarded
    /// The initrd that is booted in place of its own.
    public var initrd: URL?
    /// A file that becomes an empty disk, which the machine may write to as virtio-output. It is made with 256 MiB.
    public var output: URL?
    /// Files that are put over those of the initrd, each with its text.
    public var files: [String: String] = [:]
    /// A folder whose files and links are put there, too, below `files`.
    public var tree: String?
    /// Whether `Machine.run` works in the initrd.
    public var control = false
    /// Whether there is a console hvc0 beside ttyS0.
    public var secondConsole = false
    /// Whether it has the TPM that belongs to it, if one does, as it was when the system was made.
    public var hasTPM = false
    /// Whether the Tang server that belongs to it is at 10.0.2.4.
    public var hasTang = false
    /// In megabytes.
    public var memory = 768

    public init(_ suite: Suite, _ name: String, disks: [String] = ["root"]) {
        self.suite = suite
        self.name = name
        self.disks = disks
    }

    /// Makes the system unless the cache has it, and returns its folder. It takes about half a minute, and root rights.
    static func folder(_ suite: Suite, _ name: String) async throws -> URL {
        let made = try await runProgram([Disks.script("systems"), suite.rawValue, name], within: .seconds(3600))
        guard made.status == 0 else {
            throw MachineError.failed("the system \(name) of \(suite) was not made: \(made)")
        }
        return URL(filePath: made.output.trimmingCharacters(in: .newlines))
    }

    /// The system's tree, for `Tests/Support/qemu/inside --over`: the layers of an overlay. Of "plain" and "dracut" alone.
    public static func tree(_ suite: Suite, _ name: String) async throws -> String {
        try await folder(suite, name).path + "/layer/upper:" + suite.folder() + "/tree"
    }

    /// The version of the kernel that the system boots.
    public static func kernel(_ suite: Suite, _ name: String) async throws -> String {
        let file = try await folder(suite, name).appending(path: "kernel")
        return try String(contentsOf: file, encoding: .utf8).trimmingCharacters(in: .newlines)
    }

    /// Another initrd that belongs to the system, by the name of its file.
    public mutating func bootInitrd(_ file: String) async throws {
        initrd = try await System.folder(suite, name).appending(path: file)
    }

    /// The kernel's command line beyond what every machine has; its last console stays ttyS0.
    var kernelArguments: String {
        // The watchdogs of a busy host's guest complain of the host. This one has time, and tells of a stopped timer.
        var words = ["root=\(root)", "ro", "nowatchdog", "rcupdate.rcu_cpu_stall_timeout=120"]
        if let address { words.append("ip=\(address)") }
        if secondConsole { words.append("console=hvc0") }
        if control { words.append("test.control=ttyS1") }
        if !commandLine.isEmpty { words.append(commandLine) }
        return words.joined(separator: " ")
    }

    /// The owner's public key, as a line of authorized_keys.
    public static func ownerKey(_ suite: Suite, _ name: String) async throws -> String {
        let file = try await folder(suite, name).appending(path: "ssh/id.pub")
        return try String(contentsOf: file, encoding: .utf8).trimmingCharacters(in: .newlines)
    }

    /// A file of its folder ssh.
    public func sshFile(_ file: String) async throws -> URL {
        try await System.folder(suite, name).appending(path: "ssh/" + file)
    }

    /// The owner's private key.
    public static func ownerKeyFile(_ suite: Suite, _ name: String) async throws -> URL {
        try await folder(suite, name).appending(path: "ssh/id")
    }

    /// Writes to `initrd` the one it boots, `below`, with `tree` and `files` over it: the kernel unpacks one archive after the
    /// other.
    func writeInitrd(_ initrd: URL, over below: URL) async throws {
        let tree = initrd.deletingLastPathComponent().appending(path: "over")
        if let files = self.tree {
            try FileManager.default.copyItem(atPath: files, toPath: tree.path)
        } else {
            try FileManager.default.createDirectory(at: tree, withIntermediateDirectories: true)
        }
        for (path, text) in files {
            let file = tree.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: file, atomically: false, encoding: .utf8)
            chmod(file.path, 0o755)
        }
        // dracut makes two equal files one file with two names, and the kernel would write into both. It makes a name that
        // becomes something else anew: each is a link first.
        let script = """
            set -e
            cp "$1" "$2"
            truncate -s %512 "$2"
            cd "$3"
            mkdir ../links
            find . -type d ! -name . -exec mkdir -p ../links/{} \\;
            find . -type f -exec ln -s / ../links/{} \\;
            (cd ../links && find . -type l | cpio --quiet -o -H newc -R 0:0 >>"$2")
            truncate -s %512 "$2"
            find . -mindepth 1 | cpio --quiet -o -H newc -R 0:0 >>"$2"
            """
        let packed = try await runProgram(["sh", "-c", script, "sh", below.path, initrd.path, tree.path])
        guard packed.status == 0 else { throw MachineError.failed("the initrd was not changed: \(packed)") }
    }
}

extension Machine {
    /// Starts the machine of an installed system, and returns at once.
    convenience init(_ system: System) async throws {
        let folder = try await System.folder(system.suite, system.name)
        let keys = Keys(folder: folder.appending(path: "ssh"))
        try await self.init(disks: Disks(folder: folder.path), keys: keys) { work in
            var initrd = system.initrd ?? folder.appending(path: "initrd")
            if !system.files.isEmpty || system.tree != nil {
                let below = initrd
                initrd = work.appending(path: "initrd")
                try await system.writeInitrd(initrd, over: below)
            }
            var hardware = Hardware(
                initrd: initrd.path, memory: system.memory, kernelArguments: system.kernelArguments)
            hardware.kernel = folder.appending(path: "vmlinuz").path
            hardware.disks = system.disks
            hardware.output = system.output
            if system.hasTPM {
                let tpm = work.appending(path: "tpm")
                try FileManager.default.copyItem(at: folder.appending(path: "tpm"), to: tpm)
                hardware.tpm = tpm
            }
            if system.hasTang { hardware.tang = folder.appending(path: "tang/tang").path }
            hardware.network = system.network
            hardware.control = system.control
            hardware.secondConsole = system.secondConsole
            return hardware
        }
    }

    /// Waits for the login prompt, and returns what the system says of itself just before it.
    public func login(within limit: Duration = .seconds(1800)) async throws -> Report {
        let report = try await console.wait(for: "the new root's report", within: limit) { text in
            text.contains("REPORT end\n") ? Report(text) : nil
        }
        try await console.expect("apollo login: ", within: limit)
        return report
    }
}

/// What an installed system says of itself: `Tests/Support/qemu/tree/usr/local/sbin/report` and the script of init-bottom.
public struct Report: Sendable {
    private var answers: [String: [String]] = [:]
    /// What the journal has of the agent.
    public private(set) var log: [String] = []
    /// What `postern report` prints of the agent's own records, and what it prints of the journal's.
    public private(set) var told: [String] = []
    public private(set) var toldByJournal: [String] = []

    init(_ text: String) {
        for line in text.split(separator: "\n") {
            guard let prefix = ["REPORT ", "LEFT "].first(where: { line.hasPrefix($0) }) else { continue }
            let parts = line.dropFirst(prefix.count).split(
                separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            let text = parts[1].trimmingCharacters(in: .whitespaces)
            switch parts[0] {
            case "log": log.append(text)
            case "report": told.append(text)
            case "journal": toldByJournal.append(text)
            default:
                answers[String(parts[0])] = parts[1].split(separator: " ").map(String.init)
            }
        }
    }

    /// The words of an answer; a word that no answer has when the question was not asked.
    public subscript(_ question: String) -> [String] { answers[question] ?? ["?"] }
}
