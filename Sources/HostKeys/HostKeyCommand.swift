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
        var isSealing = false
        var isListing = false
        var registers: [Int]?
        var file = defaultFile
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--new": isNew = true
            case "--seal": isSealing = true
            case "--files": isListing = true
            case "--pcrs":
                guard let value = rest.popFirst() else { return misused("--pcrs wants numbers, such as 7+14, or none") }
                registers = Sealing.registers(value)
                guard let registers else { return misused("\(printable(value)) are no PCRs; write 7+14, or none") }
                for problem in registers.compactMap({ Sealing.problem(withRegister: $0) }) { return misused(problem) }
            case "-f":
                guard let value = rest.popFirst() else { return misused("-f wants a file") }
                file = value
            default: return misused("hostkey knows no \(printable(word))")
            }
        }
        guard [isNew, isSealing, isListing].count(where: { $0 }) < 2, registers == nil || isSealing else {
            return misused("--new, --seal and --files do not go together, and --pcrs goes with --seal alone")
        }
        if isListing { return listFiles(file) }
        let configuration = Configuration(file: file)
        if isSealing { return seal(configuration, file, registers ?? Sealing.defaultRegisters) }
        if isNew { return make(configuration, file) }
        for finding in hostKeyFindings(configuration) { Log.complain(finding.description) }
        return show(configuration)
    }

    private static func misused(_ problem: String) -> Int32 {
        Log.complain(
            "postern: " + problem
                + "\nusage: postern hostkey [--new|--files] [-f FILE]\n       postern hostkey --seal [--pcrs LIST] [-f FILE]"
        )
        return 2
    }

    /// What is wrong with the host keys alone.
    static func hostKeyFindings(_ configuration: Configuration) -> [Finding] {
        configuration.findings.filter {
            configuration.settings.hostKeys.contains($0.file) || configuration.settings.fallbackHostKey == $0.file
        }
    }

    /// Prints each host key with its fingerprint and its record for the DNS.
    private static func show(_ configuration: Configuration) -> Int32 {
        let keys = KnownKey.all(of: configuration)
        guard !keys.isEmpty else {
            Log.complain("postern: there is no host key; make one with: postern hostkey --new")
            return 1
        }
        for key in keys { print(key.path + ": " + key.key.type + " " + key.key.fingerprint) }
        for key in KnownKey.fallbacks(of: configuration) {
            print(key.path + ": " + key.key.type + " " + key.key.fingerprint + " (fallback)")
        }
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

    // MARK: Sealed keys

    /// Seals each key that a `HostKey` line names as sealed, or the default one; makes those that are not there, and the
    /// fallback key.
    private static func seal(_ configuration: Configuration, _ file: String, _ registers: [Int]) -> Int32 {
        let settings = configuration.settings
        let named = settings.hostKeys.filter { SealedKey.isName($0) }
        let sealed = named.isEmpty ? [Sealing.defaultFile] : named
        for path in sealed where Settings.defaultHostKeys.contains(SealedKey.source(of: path)) {
            return failed("\(SealedKey.source(of: path)) lay in an initrd, and is not worth sealing; name another file")
        }
        for path in sealed {
            let source = SealedKey.source(of: path)
            if let problem = Files.exists(source) ? nil : generate(source) { return failed(problem) }
            if let problem = Sealing.seal(source, to: path, registers) { return failed(problem) }
            print("\(path): the TPM opens it " + Sealing.title(registers))
        }
        if let fallback = settings.fallbackHostKey, !Files.exists(fallback) {
            if let problem = generate(fallback) { return failed(problem) }
        }
        if named.isEmpty {
            print("Write into \(file), in place of other HostKey lines: HostKey \(Sealing.defaultFile)")
        }
        var line = "The initrd has it once it is built again"
        if let command = Rebuilding.command() { line += ", with: " + command }
        print(line)
        print("Clients know it by what this prints then: postern ssh-config")
        return 0
    }

    /// Makes an ed25519 key where there is none.
    ///
    /// - Returns: why that failed, or `nil`.
    private static func generate(_ path: String) -> String? {
        guard let program = HostProgram.find("ssh-keygen") else {
            return "there is no ssh-keygen; install openssh-client, or copy a key to \(path)"
        }
        do throws(SystemError) {
            let made = try HostProgram.run(
                [program, "-q", "-t", "ed25519", "-N", "", "-C", "initrd of " + Machine.hostName, "-f", path],
                seconds: 60)
            return made.succeeded ? nil : "ssh-keygen: " + made.failure
        } catch { return error.description }
    }

    /// What an image needs so that its TPM opens a sealed key.
    private static func listFiles(_ file: String) -> Int32 {
        guard Configuration(file: file).sealsHostKeys else { return 0 }
        for wanted in SealingFiles.all {
            guard let path = wanted.paths.first(where: { Files.exists($0) }) else {
                return failed("a sealed HostKey takes \(wanted.paths[0]); " + SealingFiles.remedy)
            }
            print(path)
        }
        return 0
    }

    // MARK: Plain keys

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

    /// Those by which clients know the machine: the sealed ones, where there are some.
    static func all(of configuration: Configuration) -> [KnownKey] {
        var keys = list(configuration.hostKeys)
        for file in configuration.sealedKeys {
            // Its public half is to be seen in the key that was sealed.
            guard
                let source = try? Files.readSecret(
                    SealedKey.source(of: file.path), limit: Configuration.largestHostKey),
                let key = unsafe source.withUnsafeBytes({ unsafe PublicHostKey(privateKey: $0) })
            else { continue }
            keys.append(KnownKey(path: file.path, key: key))
        }
        return keys
    }

    /// Those that are used when the TPM opens none.
    static func fallbacks(of configuration: Configuration) -> [KnownKey] { list(configuration.fallbackKeys) }

    private static func list(_ files: [Configuration.HostKeyFile]) -> [KnownKey] {
        var keys: [KnownKey] = []
        for file in files {
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
