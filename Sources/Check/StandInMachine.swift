internal import Config
internal import HostPrograms
internal import Image
internal import Linux

/// The machine that QEMU is to be: with drivers that the image has, and a disk for each volume.
struct StandInMachine {
    /// QEMU's path, and what follows.
    let words: [String]

    /// Devices of QEMU's, with the modules of which each needs all, the fastest first.
    private static let cards = [
        ("virtio-net-pci", ["virtio_net", "virtio_pci"]), ("e1000e", ["e1000e"]), ("e1000", ["e1000"]),
        ("igb", ["igb"]), ("rtl8139", ["8139cp"]), ("vmxnet3", ["vmxnet3"]),
    ]
    private static let disks = [
        ("virtio-blk-pci", ["virtio_blk", "virtio_pci"]), ("nvme", ["nvme"]), ("ide-hd", ["ahci", "sd_mod"]),
    ]
    /// The machine has so many places for disks; a controller of SATA has fewer.
    static let mostDisks = 20
    private static let mostOfSATA = 6

    #if arch(arm64)
        static let program = "qemu-system-aarch64"
        static let package = "qemu-system-arm"
        static let console = "ttyAMA0"
        private static let kind = "virt"
    #else
        static let program = "qemu-system-x86_64"
        static let package = "qemu-system-x86"
        static let console = "ttyS0"
        private static let kind = "q35"
    #endif

    /// - Parameters:
    ///   - files: the folder with `initrd`, and `disk-0` and so on; the console's output goes to `console` there.
    ///   - kernel: its path.
    ///   - commandLine: the kernel's.
    ///   - modules: those of the image.
    ///   - disks: how many there are.
    ///   - network: the options of `-netdev user`.
    ///   - hardwareAddress: of the card.
    ///   - memory: in megabytes.
    /// - Throws: `BootProblem`.
    init(
        files: String, kernel: String, commandLine: String, modules: KernelModules, disks: Int,
        network: String, hardwareAddress: String, memory: Int
    ) throws(BootProblem) {
        func device(_ list: [(String, [String])], _ what: String) throws(BootProblem) -> String {
            for (device, drivers) in list where drivers.allSatisfy({ modules.hasAny(of: [$0]) }) { return device }
            throw BootProblem(
                "the image has a driver for no \(what) that QEMU could be", remedy: "leave out --boot")
        }
        let card = try device(StandInMachine.cards, "network card")
        let disk = try device(StandInMachine.disks, "disk")
        let most = disk == "ide-hd" ? StandInMachine.mostOfSATA : StandInMachine.mostDisks
        guard disks <= most else {
            throw BootProblem("QEMU has room for \(most) volumes", remedy: "leave out --boot")
        }
        var words = [
            HostProgram.find(StandInMachine.program) ?? StandInMachine.program, "-nodefaults", "-no-user-config",
            "-display", "none", "-no-reboot", "-machine", StandInMachine.kind,
            "-accel", "kvm", "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", String(memory), "-kernel", kernel,
            "-initrd", files + "/initrd", "-append", commandLine, "-serial", "file:" + files + "/console",
            "-netdev", "user,id=network," + network,
            "-device", card + ",netdev=network,romfile=,mac=" + hardwareAddress,
        ]
        for number in 0..<disks {
            words += ["-drive", "if=none,id=disk\(number),format=raw,file=\(files)/disk-\(number)"]
            words += [
                "-device",
                "\(disk),drive=disk\(number),serial=stand-in-\(number)"
                    + (disk == "ide-hd" ? ",bus=ide.\(number)" : ""),
            ]
        }
        self.words = words
    }
}
