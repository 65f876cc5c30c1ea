internal import Config
internal import Image
internal import Linux

/// Whether the key slots of the volumes that Postern opens can be opened with the memory of this machine.
struct KeySlotCheck {
    /// All memory of the machine, in KiB; 0 where that is not known.
    private let memory: UInt64
    private let file: String

    /// cryptsetup(8) takes no more by itself, in KiB.
    private static let mostByDefault: UInt64 = 1 << 20

    /// - Parameters:
    ///   - root: a prefix of the paths.
    ///   - file: the crypttab, for the findings.
    init(beneath root: String, file: String) {
        memory = Machine.memory("MemTotal:", in: root + "/proc/meminfo")
        self.file = file
    }

    func look(at volume: VolumeFacts, into report: inout CheckReport) {
        guard volume.reasonLeft == nil, volume.isGood else { return }
        let entry = volume.entry
        let name = printable(entry.name)
        if volume.keySlots.isEmpty {
            let slot = entry.options.keySlot
            report.add(
                file, entry.line,
                slot.map { "the key slot \($0) of \(name) is empty, so no key opens it" }
                    ?? "\(name) has no key slot that would be tried, so no key opens it",
                remedy: slot == nil ? "add one, or restore a backup of its header" : "correct key-slot=, or remove it")
        }
        guard memory > 0 else { return }
        for slot in volume.keySlots where UInt64(slot.kibibytes) > memory {
            report.add(
                file, entry.line,
                "the key slot \(slot.slot) of \(name) takes \(mebibytes(UInt64(slot.kibibytes))) of memory to open, and this "
                    + "machine has \(mebibytes(memory))",
                remedy: remedy(volume, slot.slot))
        }
    }

    /// The same, for what the machine has left with an image unpacked in its memory.
    ///
    /// - Parameters:
    ///   - image: its path.
    ///   - size: what it takes unpacked, in KiB.
    ///   - volumes: the machine's.
    ///   - report: where the findings go.
    func look(at image: String, size: UInt64, volumes: [VolumeFacts], into report: inout CheckReport) {
        for volume in volumes where volume.reasonLeft == nil && volume.isGood {
            for slot in volume.keySlots
            where UInt64(slot.kibibytes) <= memory && UInt64(slot.kibibytes) + size > memory {
                report.add(
                    image, 0,
                    "the key slot \(slot.slot) of \(printable(volume.entry.name)) takes "
                        + "\(mebibytes(UInt64(slot.kibibytes))) of memory to open, and with this image unpacked in it the "
                        + "machine has \(mebibytes(memory > size ? memory - size : 0))",
                    remedy: remedy(volume, slot.slot))
            }
        }
    }

    private func remedy(_ volume: VolumeFacts, _ slot: Int32) -> String {
        let kibibytes = min(memory / 2, KeySlotCheck.mostByDefault)
        return "run: cryptsetup luksConvertKey --key-slot \(slot) --pbkdf argon2id --pbkdf-memory \(kibibytes) "
            + printable(volume.header)
    }
}
