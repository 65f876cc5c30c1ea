/// What a test machine's processor is, as Debian calls it.
public enum Architecture: String, Sendable {
    case amd64
    case arm64
}

/// Who starts the kernel, where EFI starts the machine.
public enum Loader: String, Sendable {
    case systemdBoot = "systemd-boot"
    case grub
}

/// What a test machine has, and what its initrd does.
public struct Setup: Sendable {
    /// The disks it starts with; `late` are made, too, for `Machine.attach`.
    public var disks: [String]
    public var late: [String] = []
    /// Lines of crypttab(5), with `{DISK}` for a disk's UUID.
    public var crypttab: String
    /// Lines of postern.conf beyond the port, the keys and where crypttab is.
    public var configuration = ""
    /// The blocking step of the initrd; empty for a machine that only does what `Machine.run` tells it.
    public var agent = "/bin/postern agent -f /etc/postern/postern.conf"
    /// What the new root starts first. Its own says what it finds and powers off; /bin/sh takes commands at the console.
    public var newInit = "/sbin/init"
    /// When its network comes: `now`, before the agent starts; a number of seconds; `none`.
    public var network = "0"
    /// QEMU's name of the network card; the initrd has the driver of this one alone.
    public var card = "virtio-net-pci"
    /// Whether `Machine.run` works.
    public var control = false
    /// Whether udevd runs, with device-mapper's rules.
    public var udev = false
    /// Kernel modules beyond those of every machine.
    public var modules = ""
    /// Programs of the host that the machine has, too.
    public var programs: [String] = []
    /// Files that it has besides, by their paths without the first slash.
    public var files: [String: String] = [:]
    /// More of the kernel's command line.
    public var commandLine = ""
    /// Whether there is a console hvc0 beside ttyS0. (The kernel has but one console of serial lines.)
    public var secondConsole = false
    /// What the machine's clock says at its start, in UTC, as QEMU's `-rtc base=` has it; the host's time without.
    public var clock: String?
    public var architecture = Architecture.amd64
    /// Which of Debian's kernels, as in linux-image-FLAVOUR; the cloud kernel without it. Only of another architecture.
    public var flavour: String?
    /// Entries of the boot loader, which EFI starts: each boots this kernel and initrd with `entry=NAME` in its command line, and
    /// systemd-boot calls it `NAME.conf`. The first is the default. QEMU itself boots the machine without them.
    public var entries: [String] = []
    public var loader = Loader.systemdBoot
    /// In megabytes. Half of it must hold what a key derivation wants.
    public var memory = 512

    public init(disks: [String], crypttab: String) {
        self.disks = disks
        self.crypttab = crypttab
    }
}
