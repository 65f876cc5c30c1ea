internal import Config
internal import ConfigFiles
internal import HostPrograms
internal import Linux

/// `postern ssh-config`: what a client needs so that it knows the machine in its initrd, and never takes it for another.
public enum SSHConfigCommand {
    /// - Parameters:
    ///   - arguments: what follows `ssh-config`.
    ///   - defaultFile: postern.conf, unless `-f` names another one.
    /// - Returns: the exit status: 1 without a host key, 2 for wrong usage.
    public static func run(_ arguments: [String], file defaultFile: String) -> Int32 {
        var name: String?
        var file = defaultFile
        var rest = arguments[...]
        while let word = rest.popFirst() {
            if word == "-f" {
                guard let value = rest.popFirst() else { return misused("-f wants a file") }
                file = value
            } else {
                guard name == nil, isAlias(word) else { return misused("ssh-config takes one name, without blanks") }
                name = word
            }
        }
        let configuration = Configuration(file: file)
        for finding in HostKeyCommand.hostKeyFindings(configuration) { Log.complain(finding.description) }
        let keys = KnownKey.all(of: configuration)
        guard !keys.isEmpty else {
            Log.complain("postern: there is no host key; make one with: postern hostkey --new")
            return 1
        }
        let host = Machine.hostName == "this machine" ? "HOST" : Machine.hostName
        let kernel = (try? Files.read("/proc/cmdline", limit: 16 << 10)) ?? []
        let block = HostBlock(
            name: name ?? host + "-initrd", host: host, address: InitrdAddress.find(configuration.settings, kernel),
            port: KernelCommandLine(kernel).port ?? configuration.settings.firstPort, keys: keys.map { $0.key },
            fallbacks: KnownKey.fallbacks(of: configuration).map { $0.key })
        print(block.text, terminator: "")
        return 0
    }

    /// Whether ssh_config(5) and known_hosts take it as a name: neither a pattern nor a list nor an option.
    static func isAlias(_ word: String) -> Bool {
        !word.isEmpty && !word.hasPrefix("-")
            && word.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    private static func misused(_ problem: String) -> Int32 {
        Log.complain("postern: " + problem + "\nusage: postern ssh-config [NAME] [-f FILE]")
        return 2
    }
}

extension Settings {
    /// Where ssh listens first.
    var firstPort: UInt16 { listenAddresses.compactMap { $0.port }.first ?? ports.first ?? 2222 }
}

/// The lines for a client's two files.
struct HostBlock {
    let name: String
    /// The machine's own name.
    let host: String
    /// Its address in the initrd, where that is known.
    let address: String?
    let port: UInt16
    let keys: [PublicHostKey]
    /// Those that it shows when the TPM opens none of the others.
    var fallbacks: [PublicHostKey] = []

    var text: String {
        var text = "# For ~/.ssh/config:\nHost " + name + "\n"
        if address == nil { text += "    # Its address in the initrd is not known here: if another one, write that.\n" }
        text += "    HostName " + (address ?? host) + "\n    Port " + String(port)
        text += "\n    User root\n    HostKeyAlias " + name + "\n    StrictHostKeyChecking yes\n"
        text += "# For ~/.ssh/known_hosts:\n"
        for key in keys { text += name + " " + key.type + " " + key.base64 + "\n" }
        guard !fallbacks.isEmpty else { return text }
        let other = name + "-fallback"
        text +=
            "# When the TPM does not open these, ssh refuses the key that it sees then: whoever has had the disk has that.\n"
        text += "# If you know why, log in with: ssh -o HostKeyAlias=" + other + " " + name + "\n"
        for key in fallbacks { text += other + " " + key.type + " " + key.base64 + "\n" }
        return text
    }
}
