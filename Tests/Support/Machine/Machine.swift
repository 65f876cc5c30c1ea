import Foundation
public import Repository
import Synchronization

/// A virtual machine with encrypted disks, from its start to its end.
///
/// Emulated, it takes about three seconds to the agent's start on a quiet host.
public final class Machine: Sendable {
    private let running: Running
    private let disks: Disks
    /// Holds the client's configuration; removed with the machine.
    let work: URL
    /// Where the agent listens, as the host sees it.
    let address: MachineAddress
    /// In MiB.
    let memorySize: Int

    /// What its kernel prints when the emulated timer of a processor has stopped.
    public static let timerStopped = "kthread timer wakeup didn't happen"

    /// What it prints when the emulator has run the breakpoint by which the kernel replaces its own code, and the kernel
    /// no longer knew of it.
    public static let codeChanged = "Oops: int3: 0000"

    /// What the machine prints.
    public var console: Transcript { running.lines[0].transcript }

    /// The servers beside it, where its network is `told`.
    public var announced: Announced { Announced(folder: work.appending(path: "announced").path) }

    /// What another console shows.
    public func console(_ number: Int) -> Transcript { running.lines[number].transcript }

    /// Starts a machine and returns at once.
    convenience init(_ setup: Setup) async throws {
        let keys = try await Keys.shared.value
        let disks = try await Disks(setup.disks + setup.late)
        try await self.init(disks: disks, keys: keys) { work in
            try await setup.writeInitrd(in: work, disks: disks, keys: keys)
            var hardware = Hardware(
                initrd: work.appending(path: "initrd").path, memory: setup.memory,
                kernelArguments: setup.kernelArguments)
            hardware.architecture = setup.architecture
            if let flavour = setup.flavour {
                let kernel = try await runProgram(
                    [Disks.script("kernel"), setup.architecture.rawValue, flavour], within: .seconds(3600))
                hardware.kernel = kernel.output.trimmingCharacters(in: .newlines) + "/vmlinuz"
            }
            hardware.disks = setup.disks
            hardware.card = setup.card
            hardware.control = setup.control
            hardware.clock = setup.clock
            hardware.secondConsole = setup.secondConsole
            hardware.entries = setup.entries
            hardware.loader = setup.loader
            return hardware
        }
    }

    /// Starts a machine with what `prepare` puts into a folder of the machine's own, and returns at once.
    init(disks: Disks, keys: Keys, prepare: (URL) async throws -> Hardware) async throws {
        self.disks = disks
        work = runFolder.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true)
        let hardware: Hardware
        do {
            hardware = try await prepare(work)
            memorySize = hardware.memory
            running = try hardware.start(disks: disks, work: work)
        } catch {
            try? FileManager.default.removeItem(at: work)
            throw error
        }
        do {
            address = try await hardware.address(of: running)
            try keys.knownHosts(at: address).write(
                to: work.appending(path: "known_hosts"), atomically: false, encoding: .utf8)
            try Machine.clientConfiguration(address, keys: keys, work: work).write(
                to: work.appending(path: "ssh"), atomically: false, encoding: .utf8)
        } catch {
            let errors = try? String(contentsOf: work.appending(path: "errors"), encoding: .utf8)
            await Machine.stop(running, work)
            throw MachineError.failed("QEMU did not start: \(error)\n\(errors ?? "")")
        }
    }

    private static func clientConfiguration(_ address: MachineAddress, keys: Keys, work: URL) -> String {
        """
        Host nas
            HostName \(address.host)
            Port \(address.port)
            User root
            IdentityFile \(keys.folder.path)/id
            IdentitiesOnly yes
            UserKnownHostsFile \(work.path)/known_hosts
            StrictHostKeyChecking yes
            ConnectTimeout 60

        """
    }

    /// Types at a console; a return is "\r".
    public func type(_ text: String, at number: Int = 0) {
        running.lines[number].send(text)
    }

    /// The ssh command that reaches the agent, with the owner's key, and without the caller's own settings.
    public func ssh(_ command: [String] = [], options: [String] = []) -> [String] {
        address.reach + ["ssh", "-F", work.appending(path: "ssh").path] + options + ["nas"] + command
    }

    /// The command that runs a Python program with the agent's address and port as its arguments. It may use paramiko.
    public func stranger(_ program: String) -> [String] {
        address.reach + ["/usr/bin/python3", "-c", program, address.host, String(address.port)]
    }

    /// Runs ssh to its end, without a terminal, `input` being its standard input.
    public func ssh(
        _ command: [String], input: String, within limit: Duration = .seconds(1200)
    ) async throws -> Outcome {
        // Without -T, and without a command, ssh itself remarks that there is no terminal.
        try await runProgram(ssh(command, options: ["-T"]), input: input, within: limit)
    }

    /// Replaces each `{DISK}` by that disk's UUID.
    public func filled(_ text: String) throws -> String {
        try disks.filled(text)
    }

    /// What the key volumes have in their key file.
    public var keyFile: [UInt8] { get throws { try disks.keyFile } }

    /// Waits until the agent shows its host key. QEMU accepts connections long before.
    public func awaitAgent(within limit: Duration = .seconds(1200)) async throws {
        let scan =
            address.reach + ["ssh-keyscan", "-T", "10", "-t", "ed25519", "-p", String(address.port), address.host]
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline, !console.hasEnded, !console.text.contains("Entering emergency mode") {
            if try await runProgram(scan).output.contains("ssh-ed25519") { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw MachineError.missing(
            "no SSH server answered within \(limit), or before the emergency shell\n\(console.tail())")
    }

    /// Runs a shell command inside the machine.
    public func run(_ command: String, within limit: Duration = .seconds(1200)) async throws -> Outcome {
        guard let control = running.control else { preconditionFailure("the setup has no control line") }
        let transcript = control.transcript
        try await transcript.expect("@ready", within: limit)
        let before = transcript.text.count
        let line = "@\(Data(command.utf8).base64EncodedString()).\n"
        control.send(line)
        var sent = 1
        return try await transcript.wait(for: "the end of \(command)", within: limit) { text -> Outcome? in
            let answer = text.dropFirst(before)
            if answer.components(separatedBy: "@again\n").count > sent {
                control.send(line)
                sent += 1
            }
            guard let mark = answer.range(of: "\n@status "), let end = answer[mark.upperBound...].firstIndex(of: "\n")
            else { return nil }
            let status = Int32(answer[mark.upperBound..<end]) ?? -1
            let output = String(answer[..<mark.lowerBound]).replacing("@again\n", with: "")
            return Outcome(status: status, output: output, errors: "")
        }
    }

    /// Plugs in a disk that was named as late.
    public func attach(_ name: String) async throws {
        _ = try await command("drive_add 0 if=none,snapshot=on,format=raw,id=\(name),file=\(disks.image(name))")
        let answer = try await command("device_add virtio-blk-pci,drive=\(name),id=disk-\(name)")
        guard !answer.contains("Error") else { throw MachineError.failed("\(name) was not plugged in: \(answer)") }
    }

    /// Takes out a disk that was plugged in, and waits until the machine's kernel has let it go.
    public func detach(_ name: String, within limit: Duration = .seconds(600)) async throws {
        let answer = try await command("device_del disk-\(name)")
        guard !answer.contains("Error") else { throw MachineError.failed("\(name) was not taken out: \(answer)") }
        let deadline = ContinuousClock.now + limit
        while try await command("info block").contains(name) {
            guard ContinuousClock.now < deadline else { throw MachineError.missing("\(name) is still plugged in") }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// Has QEMU's monitor carry out a command, and returns its answer.
    func command(_ text: String) async throws -> String {
        let before = running.hypervisor.transcript.text.count
        running.hypervisor.send(text + "\n")
        return try await running.hypervisor.transcript.wait(for: "an answer", within: .seconds(600)) { whole in
            // The line is echoed with each letter drawn anew; the answer follows it, up to the next prompt.
            let answer = whole.dropFirst(before).drop { $0 != "\n" }
            return answer.hasSuffix("\n(qemu) ") ? String(answer.dropLast(8)) : nil
        }
    }

    /// Waits for what the new root says of itself.
    public func report(within limit: Duration = .seconds(1200)) async throws -> Survey {
        try await console.wait(for: "the new root's report", within: limit) { text in
            text.contains("REPORT end\n") ? Survey(text, prefix: "REPORT ") : nil
        }
    }

    /// What the agent left at the moment it ended.
    public func survey(within limit: Duration = .seconds(1200)) async throws -> Survey {
        try await console.wait(for: "the initrd's survey", within: limit) { text in
            text.contains("INITRD end\n") ? Survey(text, prefix: "INITRD ") : nil
        }
    }

    /// Pulls the plug.
    func stop() async {
        await Machine.stop(running, work)
    }

    private static func stop(_ running: Running, _ work: URL) async {
        close(running.hold)
        _ = try? await running.emulator.status(within: .seconds(10))
        try? FileManager.default.removeItem(at: work)
    }
}

/// A connected socket to one of QEMU's character devices.
final class SerialLine: Sendable {
    let transcript: Transcript
    private let socket: Int32

    init(_ name: String, _ socket: Int32) {
        self.socket = socket
        transcript = Transcript(name, following: dup(socket))
    }

    deinit {
        close(socket)
    }

    func send(_ text: String) {
        _ = Array(text.utf8).withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }
}
