internal import Config
internal import Linux

/// The kernel command line with which the boot loader starts this machine, and what of it a machine in QEMU is given.
struct BootedCommandLine {
    /// As the machine has it.
    let words: [String]

    /// What would show nothing in QEMU, and may keep the machine there from starting or from being seen.
    private static let leftOut = [
        "BOOT_IMAGE=", "console=", "crashkernel=", "hugepages=", "hugepagesz=", "default_hugepagesz=", "mem=",
        "memmap=", "earlycon", "earlyprintk", "splash", "initrd=",
    ]

    /// Reads it from GRUB's menu, where that starts this image first; or from what systemd's kernel-install has; or else that
    /// of the running kernel.
    ///
    /// - Parameters:
    ///   - root: a prefix of the paths.
    ///   - isFirst: whether the first entry of GRUB's menu starts the image.
    init(beneath root: String, isFirst: Bool) {
        let own = (try? Files.read(root + "/proc/cmdline", limit: 64 << 10)) ?? []
        let installed = (try? Files.readRegular(root + "/etc/kernel/cmdline", limit: 64 << 10)) ?? []
        let line =
            (isFirst ? BootedCommandLine.ofMenu(root) : nil)
            ?? (Files.exists(root + "/boot/loader/entries") && !installed.isEmpty ? installed[...] : own[...])
        words = line.split(whereSeparator: { [0x20, 0x09, 0x0a].contains($0) })
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// As /proc/cmdline would show it.
    var bytes: [UInt8] { Array(BootedCommandLine.joined(words).utf8) }

    /// What a machine in QEMU is given. Its emulated processor is slow: the kernel is not to take that for a fault.
    var inQEMU: String {
        let kept = words.filter { word in !BootedCommandLine.leftOut.contains { word.hasPrefix($0) } }
        return BootedCommandLine.joined(
            kept + [
                "console=" + StandInMachine.console, "panic=-1", "nowatchdog", "no_timer_check", "cryptomgr.notests=1",
                "rcupdate.rcu_cpu_stall_timeout=120",
            ])
    }

    private static func joined(_ words: [String]) -> String {
        var text = ""
        for word in words { text += (text.isEmpty ? "" : " ") + word }
        return text
    }

    /// What follows the kernel in the first line of GRUB's menu that starts one.
    private static func ofMenu(_ root: String) -> ArraySlice<UInt8>? {
        for menu in ["/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"] {
            guard let bytes = try? Files.readRegular(root + menu, limit: 1 << 20) else { continue }
            for line in bytes.split(separator: UInt8(ascii: "\n")) {
                var rest = line.drop { $0 == 0x20 || $0 == 0x09 }
                let word = rest.prefix { $0 != 0x20 && $0 != 0x09 }
                guard word.elementsEqual("linux".utf8) || word.elementsEqual("linuxefi".utf8) else { continue }
                rest = rest.dropFirst(word.count).drop { $0 == 0x20 || $0 == 0x09 }
                rest = rest.drop { $0 != 0x20 && $0 != 0x09 }
                // A variable of GRUB's, which nobody can tell from here.
                return rest.contains(UInt8(ascii: "$")) ? nil : rest
            }
        }
        return nil
    }
}
