import Foundation
import Synchronization

/// A virtual machine with encrypted disks, from its start to its end.
///
/// Emulated, it takes about three seconds to the agent's start on a quiet host.
public final class Machine: Sendable {
    private let running: Running
    private let disks: Disks
    /// Holds the client's configuration; removed with the machine.
    private let work: URL
    /// The port of 127.0.0.1 that leads to the agent's.
    public let port: UInt16

    /// QEMU and the lines to it.
    private struct Running: Sendable {
        /// The serial lines, 0 being the console that the kernel and init write to.
        let lines: [SerialLine]
        let control: SerialLine?
        let hypervisor: SerialLine
        let emulator: Child
        /// QEMU is ended when this descriptor is closed.
        let hold: Int32
    }

    /// What the machine prints.
    public var console: Transcript { running.lines[0].transcript }

    /// What another console shows.
    public func console(_ number: Int) -> Transcript { running.lines[number].transcript }

    /// Starts a machine and returns at once.
    init(_ setup: Setup) async throws {
        let keys = try await Keys.shared.value
        work = runFolder.appending(path: UUID().uuidString)
        disks = try await Disks(setup.disks + setup.late)
        try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true)
        do {
            try await setup.writeInitrd(in: work, disks: disks, keys: keys)
            running = try Machine.start(setup, disks: disks, work: work)
        } catch {
            try? FileManager.default.removeItem(at: work)
            throw error
        }
        do {
            port = try await Machine.forwardedPort(running.hypervisor)
            try keys.knownHosts(port: port).write(
                to: work.appending(path: "known_hosts"), atomically: false, encoding: .utf8)
            try Machine.clientConfiguration(port: port, keys: keys, work: work).write(
                to: work.appending(path: "ssh"), atomically: false, encoding: .utf8)
        } catch {
            let errors = try? String(contentsOf: work.appending(path: "errors"), encoding: .utf8)
            await Machine.stop(running, work)
            throw MachineError.failed("QEMU did not start: \(error)\n\(errors ?? "")")
        }
    }

    private static func clientConfiguration(port: UInt16, keys: Keys, work: URL) -> String {
        """
        Host nas
            HostName 127.0.0.1
            Port \(port)
            User root
            IdentityFile \(keys.folder.path)/id
            IdentitiesOnly yes
            UserKnownHostsFile \(work.path)/known_hosts
            StrictHostKeyChecking yes
            ConnectTimeout 60

        """
    }

    private static func start(
        _ setup: Setup, disks: Disks, work: URL
    ) throws -> Running {
        var ends: [Int32] = []
        defer { for end in ends { close(end) } }
        var arguments = ["-netdev", "user,id=net,ipv6-prefix=fec0::,hostfwd=tcp:127.0.0.1:0-:2222"]
        arguments += ["-device", "\(setup.card),netdev=net,romfile="]
        for name in setup.disks { arguments += ["-drive", "if=virtio,format=raw,file=\(disks.image(name))"] }

        // A connected socket for each line, from descriptor 3 on: nothing to clash with or to leave behind.
        func line(_ name: String) throws -> SerialLine {
            let (ours, theirs) = try socketPair()
            arguments += ["-chardev", "socket,id=line\(ends.count),fd=\(3 + ends.count)"]
            ends.append(theirs)
            return SerialLine(name, ours)
        }
        let hypervisor = try line("QEMU's monitor")
        arguments += ["-mon", "chardev=line0,mode=readline"]
        var lines = [try line("the console")]
        arguments += ["-serial", "chardev:line1"]
        var control: SerialLine?
        if setup.control {
            control = try line("the control line")
            arguments += ["-serial", "chardev:line\(ends.count - 1)"]
        }
        if setup.secondConsole {
            lines.append(try line("the second console"))
            arguments += ["-device", "virtio-serial-pci", "-device", "virtconsole,chardev=line\(ends.count - 1)"]
        }
        // It runs as long as this process holds the other end of its standard input, however this process ends.
        let (leash, hold) = try pipe()
        let errors = open(work.appending(path: "errors").path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        defer {
            close(leash)
            close(errors)
        }
        let keeper = "\"$@\" </dev/null & vm=$!; read -r _; kill -9 $vm; wait $vm"
        let command =
            ["sh", "-c", keeper, "keeper", Disks.script("vm")]
            + [work.appending(path: "initrd").path, String(setup.memory), setup.kernelArguments] + arguments
        do {
            let emulator = try Child(command, descriptors: [leash, errors, errors] + ends)
            return Running(lines: lines, control: control, hypervisor: hypervisor, emulator: emulator, hold: hold)
        } catch {
            close(hold)
            throw error
        }
    }

    /// QEMU chooses a free port itself, and says which.
    private static func forwardedPort(_ hypervisor: SerialLine) async throws -> UInt16 {
        hypervisor.send("info usernet\n")
        return try await hypervisor.transcript.wait(for: "the forwarded port", within: .seconds(60)) { text in
            for line in text.split(separator: "\n") where line.contains("TCP[HOST_FORWARD]") {
                // TCP[HOST_FORWARD]  12       127.0.0.1 34567       10.0.2.15  2222     0     0
                return UInt16(line.split(separator: " ")[3])
            }
            return nil
        }
    }

    /// Types at a console; a return is "\r".
    public func type(_ text: String, at number: Int = 0) {
        running.lines[number].send(text)
    }

    /// The ssh command that reaches the agent, with the owner's key, and without the caller's own settings.
    public func ssh(_ command: [String] = [], options: [String] = []) -> [String] {
        ["ssh", "-F", work.appending(path: "ssh").path] + options + ["nas"] + command
    }

    /// Runs ssh to its end, without a terminal, `input` being its standard input.
    public func ssh(
        _ command: [String], input: String, within limit: Duration = .seconds(180)
    ) async throws -> Outcome {
        // Without -T, and without a command, ssh itself remarks that there is no terminal.
        try await runProgram(ssh(command, options: ["-T"]), input: input, within: limit)
    }

    /// Replaces each `{DISK}` by that disk's UUID.
    public func filled(_ text: String) throws -> String {
        try disks.filled(text)
    }

    /// Waits until the agent shows its host key. QEMU accepts connections long before.
    public func awaitAgent(within limit: Duration = .seconds(120)) async throws {
        let scan = ["ssh-keyscan", "-T", "10", "-t", "ed25519", "-p", String(port), "127.0.0.1"]
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline, !console.hasEnded {
            if try await runProgram(scan).output.contains("ssh-ed25519") { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw MachineError.missing("no SSH server answered within \(limit)\n\(console.tail())")
    }

    /// Runs a shell command inside the machine.
    public func run(_ command: String, within limit: Duration = .seconds(120)) async throws -> Outcome {
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
        let answer = try await command("device_add virtio-blk-pci,drive=\(name)")
        guard !answer.contains("Error") else { throw MachineError.failed("\(name) was not plugged in: \(answer)") }
    }

    /// Has QEMU's monitor carry out a command, and returns its answer.
    private func command(_ text: String) async throws -> String {
        let before = running.hypervisor.transcript.text.count
        running.hypervisor.send(text + "\n")
        return try await running.hypervisor.transcript.wait(for: "an answer", within: .seconds(60)) { whole in
            // The line is echoed with each letter drawn anew; the answer follows it, up to the next prompt.
            let answer = whole.dropFirst(before).drop { $0 != "\n" }
            return answer.hasSuffix("\n(qemu) ") ? String(answer.dropLast(8)) : nil
        }
    }

    /// Waits for what the new root says of itself.
    public func report(within limit: Duration = .seconds(180)) async throws -> Survey {
        try await console.wait(for: "the new root's report", within: limit) { text in
            text.contains("REPORT end\n") ? Survey(text, prefix: "REPORT ") : nil
        }
    }

    /// What the agent left at the moment it ended.
    public func survey(within limit: Duration = .seconds(180)) async throws -> Survey {
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
