internal import CLinux
internal import Config
internal import ConfigFiles
internal import HostPrograms
internal import Linux

/// `postern hostkey`: the keys by which clients recognise the machine in its initrd.
public enum HostKeyCommand {
    /// - Parameters:
    ///   - arguments: what follows `hostkey`.
    ///   - defaultFile: postern.conf, unless `-f` names another one.
    /// - Returns: the exit status: 1 where there is no host key or none could be made, 2 for wrong usage.
    public static func run(_ arguments: [String], file defaultFile: String) -> Int32 {
        var isNew = false
        var file = defaultFile
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--new": isNew = true
            case "-f":
                guard let value = rest.popFirst() else { return misused("-f wants a file") }
                file = value
            default: return misused("hostkey knows no \(printable(word))")
            }
        }
        let configuration = Configuration(file: file)
        if isNew { return make(configuration, file) }
        for finding in hostKeyFindings(configuration) { Log.complain(finding.description) }
        return show(configuration)
    }

    private static func misused(_ problem: String) -> Int32 {
        Log.complain("postern: " + problem + "\nusage: postern hostkey [--new] [-f FILE]")
        return 2
    }

    /// What is wrong with the host keys alone.
    static func hostKeyFindings(_ configuration: Configuration) -> [Finding] {
        configuration.findings.filter { configuration.settings.hostKeys.contains($0.file) }
    }

    /// Prints each host key with its fingerprint and its record for the DNS.
    private static func show(_ configuration: Configuration) -> Int32 {
        let keys = KnownKey.all(of: configuration)
        guard !keys.isEmpty else {
            Log.complain("postern: there is no host key; make one with: postern hostkey --new")
            return 1
        }
        for key in keys { print(key.path + ": " + key.key.type + " " + key.key.fingerprint) }
        let host = Machine.hostName == "this machine" ? "HOST" : Machine.hostName
        for key in keys { print(host + " IN SSHFP " + key.key.dnsFingerprint) }
        return 0
    }

    /// Makes an ed25519 key in the place of the one that there is, which is kept beside it.
    private static func make(_ configuration: Configuration, _ file: String) -> Int32 {
        guard let path = place(configuration) else {
            return failed(
                "no HostKey line of \(file) names an ed25519 key; add: HostKey \(Settings.defaultHostKeys[0])")
        }
        let hadOne = Files.exists(path)
        let old = path + ".old"
        if hadOne, Files.exists(old) {
            return failed(
                "\(old) is there already, and is not overwritten; if no initrd has that key any more, remove it and its .pub"
            )
        }
        guard let program = HostProgram.find("ssh-keygen") else {
            return failed("there is no ssh-keygen; install openssh-client, or copy a key to \(path)")
        }
        let new = path + ".new"
        Files.remove(new)
        Files.remove(new + ".pub")
        do throws(SystemError) {
            let made = try HostProgram.run(
                [program, "-q", "-t", "ed25519", "-N", "", "-C", "initrd of " + Machine.hostName, "-f", new],
                seconds: 60)
            guard made.succeeded else { return failed("ssh-keygen: " + made.failure) }
            // A crash leaves the old key in one of two places, and never an initrd build without any.
            if hadOne {
                try check("link(\(old))") { unsafe link(path, old) }
                if Files.exists(path + ".pub") { _ = unsafe rename(path + ".pub", old + ".pub") }
            }
            try check("rename(\(path))") { unsafe rename(new, path) }
            try check("rename(\(path).pub)") { unsafe rename(new + ".pub", path + ".pub") }
        } catch {
            Files.remove(new)
            Files.remove(new + ".pub")
            return failed(error.description)
        }
        if hadOne { print("The key that was there is kept in \(old).") }
        let result = show(Configuration(file: file))
        print(
            "The initrd has " + (hadOne ? "the old key" : "none") + " until it is built again"
                + (Rebuilding.command().map { ", with: " + $0 } ?? "."))
        print("Clients know the new one by what this prints: postern ssh-config")
        return result
    }

    /// Where the ed25519 key belongs: where there is one, else the first path of that name that names nothing.
    private static func place(_ configuration: Configuration) -> String? {
        let keys = KnownKey.all(of: configuration)
        if let key = keys.first(where: { $0.key.type == "ssh-ed25519" }) { return key.path }
        let paths = configuration.settings.hostKeys.filter { !Files.exists($0) }
        return paths.first { Array($0.utf8).firstIndex(of: "ed25519") != nil } ?? paths.first
    }

    private static func failed(_ problem: String) -> Int32 {
        Log.complain("postern: " + problem)
        return 1
    }
}

/// A host key of the configuration, with its public half.
struct KnownKey {
    let path: String
    let key: PublicHostKey

    static func all(of configuration: Configuration) -> [KnownKey] {
        var keys: [KnownKey] = []
        for file in configuration.hostKeys {
            let key = unsafe file.content.withUnsafeBytes { unsafe PublicHostKey(privateKey: $0) }
            if let key { keys.append(KnownKey(path: file.path, key: key)) }
        }
        return keys
    }
}

extension [UInt8] {
    /// Where `text` begins.
    func firstIndex(of text: String) -> Int? {
        let wanted = Array(text.utf8)
        return indices.first { self[$0...].starts(with: wanted) }
    }
}
