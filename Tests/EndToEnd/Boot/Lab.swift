import Machine

/// A machine whose initrd starts no agent: a test starts one as often as it likes, on volumes on loop devices.
struct Lab {
    let machine: Machine

    static var setup: Setup {
        var setup = Setup(disks: ["lab"], crypttab: "")
        setup.agent = ""
        setup.control = true
        setup.modules = "loop vfat nls_cp437 nls_ascii xfs btrfs"
        setup.programs = ["/sbin/dmsetup"]
        return setup
    }

    /// Mounts the disk with the images at /lab.
    init(_ machine: Machine) async throws {
        self.machine = machine
        try await run("mkdir -p /lab && mount /dev/vda /lab")
    }

    /// Runs a command that must succeed, and returns what it printed.
    @discardableResult
    func run(_ command: String) async throws -> String {
        let outcome = try await machine.run(command)
        guard outcome.status == 0 else { throw MachineError.failed("\(command): \(outcome)") }
        return outcome.output
    }

    /// Makes the image of that name a block device, of which the path is returned.
    func loop(_ image: String, in folder: String = "/lab") async throws -> String {
        // The images are changed by nobody else, so that a volume that is writable is so for the agent's reasons.
        let device = try await run("losetup -f").trimmed
        try await run("losetup \(device) \(folder)/\(image).img")
        return device
    }

    /// Starts an agent for these lines of crypttab, with `{DISK}` for a disk's UUID.
    ///
    /// It waits until the agent `greets`, unless that could end before.
    func startAgent(_ crypttab: String, greets: Bool = true, output: String = "/dev/console") async throws {
        try await run(
            """
            cat >/etc/crypttab <<'END'
            \(machine.filled(crypttab))
            END
            /bin/postern agent -f /etc/postern/postern.conf <\(output) >\(output) 2>&1 &
            agent=$!
            """)
        if greets { try await machine.awaitAgent() }
    }

    func unlock(_ passphrase: String) async throws -> Outcome {
        try await machine.ssh(["unlock"], input: passphrase)
    }

    /// Waits for the agent's end.
    func agentStatus() async throws -> Int32 {
        try await machine.run("wait $agent").status
    }

    /// Waits until no process of the agent is left, which end by themselves once the monitor is gone, nor a socket or key.
    func expectNothingLeft() async throws {
        try await run(
            """
            . /sbin/survey
            tries=0
            while survey X | grep -qE 'X (processes|sockets|keys): *[^ ]'; do
                tries=$((tries + 1))
                [ $tries -lt 300 ] || { survey X; ps; exit 1; }
                usleep 100000
            done
            """)
    }

    /// From now on what loads a cipher waits, after a file /run/held tells that something does.
    static let holdCipher = """
        rmmod aesni_intel xts
        printf '#!/bin/sh\\n: >/run/held\\nwhile [ ! -e /run/go ]; do usleep 20000; done\\nexec /sbin/modprobe "$@"\\n' >/bin/hold
        chmod 755 /bin/hold
        echo /bin/hold >/proc/sys/kernel/modprobe
        """

    /// What loads a cipher does not wait any more.
    static let releaseCipher = ": >/run/go; echo /sbin/modprobe >/proc/sys/kernel/modprobe"

    /// Ends an agent that still waits, closes every volume, and frees the loop devices.
    func clear() async throws {
        try await run(
            """
            kill $agent 2>/dev/null; wait $agent
            dmsetup remove_all
            for device in /dev/loop[0-9]; do losetup -d $device 2>/dev/null; done
            rm -rf /run/postern
            true
            """)
    }
}

extension String {
    /// Without the line's end.
    var trimmed: String { replacing("\n", with: "") }
}
