import Foundation

/// What QEMU is to emulate.
struct Hardware: Sendable {
    var architecture = Architecture.amd64
    /// The file of the kernel; that of `Tests/Support/qemu/kernel` without one.
    var kernel: String?
    var initrd: String
    /// In megabytes.
    var memory: Int
    /// The kernel's command line beyond what every machine has.
    var kernelArguments: String
    var disks: [String] = []
    /// A file that is made the last disk, and written to.
    var output: URL?
    var network = Network.forwarded
    /// QEMU's name of the network card.
    var card = "virtio-net-pci"
    /// Whether there is a control line, ttyS1.
    var control = false
    /// What the clock says at the start, or the host's time.
    var clock: String?
    /// Whether there is a console hvc0.
    var secondConsole = false
    /// The folder of a TPM's state.
    var tpm: URL?
    /// A program that answers one request of HTTP at 10.0.2.4, where the network is QEMU's own.
    var tang: String?
    /// Entries of the boot loader, where EFI starts the machine.
    var entries: [String] = []
    var loader = Loader.systemdBoot

    init(initrd: String, memory: Int, kernelArguments: String) {
        self.initrd = initrd
        self.memory = memory
        self.kernelArguments = kernelArguments
    }
}

/// What the network card of a machine is plugged into.
public enum Network: Sendable {
    /// QEMU's own network, with DHCP and both versions of IP; a port of 127.0.0.1 leads to the agent's.
    case forwarded
    /// A network of the machine and of a router that announces a prefix of version 6, and knows no version 4.
    /// It asks for root rights, and lies in a namespace of its own.
    case routedIPv6
    /// As `forwarded`, in a namespace of its own with the servers of `Tests/Support/qemu/told`. It asks for root rights.
    case told
}

/// Where the agent listens, as the host sees it.
struct MachineAddress: Sendable {
    var host: String
    var port: UInt16
    /// The command behind which a program sees that network.
    var reach: [String] = []
}

/// QEMU and the lines to it.
struct Running: Sendable {
    /// The serial lines, 0 being the console that the kernel and init write to.
    let lines: [SerialLine]
    let control: SerialLine?
    let hypervisor: SerialLine
    let emulator: Child
    /// QEMU is ended when this descriptor is closed.
    let hold: Int32
}

extension Hardware {
    /// Starts QEMU with images of `disks`; what it complains of goes to the file `errors` in `work`.
    func start(disks images: Disks, work: URL) throws -> Running {
        var ends: [Int32] = []
        defer { for end in ends { close(end) } }
        var arguments = ["-netdev"]
        switch network {
        case .forwarded, .told:
            let server = tang.map { ",guestfwd=tcp:10.0.2.4:80-cmd:\($0)" } ?? ""
            arguments += ["user,id=net,ipv6-prefix=fec0::,hostfwd=tcp:127.0.0.1:0-:2222\(server)"]
        case .routedIPv6: arguments += ["tap,id=net,ifname=lan,script=no,downscript=no"]
        }
        arguments += ["-device", "\(card),netdev=net,romfile=,mac=52:54:00:12:34:56"]
        if let clock { arguments += ["-rtc", "base=\(clock)"] }
        for name in disks { arguments += ["-drive", "if=virtio,format=raw,file=\(images.image(name))"] }
        if let output {
            let made = open(output.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            defer { close(made) }
            guard ftruncate(made, 256 << 20) == 0 else { throw MachineError.failed("cannot make \(output.path)") }
            arguments += ["-drive", "if=none,id=output,snapshot=off,format=raw,file=\(output.path)"]
            arguments += ["-device", "virtio-blk-pci,drive=output,serial=output"]
        }

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
        if self.control {
            control = try line("the control line")
            arguments += ["-serial", "chardev:line\(ends.count - 1)"]
        }
        if secondConsole {
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
        // It holds no end of the lines, so that they end with QEMU.
        let keeper = "\"$@\" </dev/null & vm=$!; exec 3>&- 4>&- 5>&- 6>&- 7>&-; read -r _; kill -9 $vm; wait $vm"
        var command = ["sh", "-c", keeper, "keeper"]
        let alone = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
        switch network {
        case .forwarded: break
        case .routedIPv6: command = alone + [Disks.script("router"), work.path] + command
        case .told: command = alone + [Disks.script("told"), work.path, images.folder + "/authority"] + command
        }
        command += ["env", "VM_ARCH=\(architecture)"]
        if let kernel { command.append("VM_KERNEL=\(kernel)") }
        if let tpm { command.append("VM_TPM=\(tpm.path)") }
        if !entries.isEmpty {
            command += ["VM_ENTRIES=\(entries.joined(separator: " "))", "VM_LOADER=\(loader.rawValue)"]
        }
        command += [Disks.script("vm"), initrd, String(memory), kernelArguments] + arguments
        do {
            let emulator = try Child(command, descriptors: [leash, errors, errors] + ends)
            return Running(lines: lines, control: control, hypervisor: hypervisor, emulator: emulator, hold: hold)
        } catch {
            close(hold)
            throw error
        }
    }

    /// Where the agent of that machine listens.
    func address(of running: Running) async throws -> MachineAddress {
        let reach = ["nsenter", "--net=/proc/\(running.emulator.number)/ns/net"]
        switch network {
        case .forwarded, .told:
            let port = try await Hardware.forwardedPort(running.hypervisor)
            let isHere = if case .forwarded = network { true } else { false }
            return MachineAddress(host: "127.0.0.1", port: port, reach: isHere ? [] : reach)
        case .routedIPv6:
            // The address that the card's number makes of the prefix.
            return MachineAddress(host: "fd00:706f:7374:0:5054:ff:fe12:3456", port: 2222, reach: reach)
        }
    }

    /// QEMU chooses a free port itself, and says which.
    private static func forwardedPort(_ hypervisor: SerialLine) async throws -> UInt16 {
        hypervisor.send("info usernet\n")
        return try await hypervisor.transcript.wait(for: "the forwarded port", within: .seconds(600)) { text in
            for line in text.split(separator: "\n") where line.contains("TCP[HOST_FORWARD]") {
                // TCP[HOST_FORWARD]  12       127.0.0.1 34567       10.0.2.15  2222     0     0
                return UInt16(line.split(separator: " ")[3])
            }
            return nil
        }
    }
}
