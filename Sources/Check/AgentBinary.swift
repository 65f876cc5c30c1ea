/// A program in ELF's format, as far as the kernel loads it. dracut strips what it copies, which changes no more than the
/// names of sections behind that, and what the header says of these.
struct AgentBinary: Equatable {
    private let bytes: [UInt8]

    /// Elf64_Ehdr: `e_shoff` at 40, and from 58 on `e_shentsize`, `e_shnum` and `e_shstrndx`.
    private static let ofSections = Array(40..<48) + Array(58..<64)
    private static let headerLength = 64
    /// Elf64_Phdr.
    private static let segmentLength = 56

    init(_ file: [UInt8]) {
        guard file.count >= AgentBinary.headerLength, file.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]) else {
            bytes = file
            return
        }
        let start = AgentBinary.number(file, 32, 8)
        let count = AgentBinary.number(file, 56, 2)
        var end = AgentBinary.headerLength
        for index in 0..<count {
            let place = start.addingReportingOverflow(index * AgentBinary.segmentLength).partialValue
            guard place >= 0, place < file.count, file.count - place >= AgentBinary.segmentLength else { break }
            // PT_LOAD
            guard AgentBinary.number(file, place, 4) == 1 else { continue }
            let last = AgentBinary.number(file, place + 8, 8)
                .addingReportingOverflow(AgentBinary.number(file, place + 32, 8))
            if !last.overflow { end = max(end, last.partialValue) }
        }
        var loaded = Array(file.prefix(end))
        for index in AgentBinary.ofSections { loaded[index] = 0 }
        bytes = loaded
    }

    /// In little-endian order.
    private static func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> Int {
        var value: UInt64 = 0
        for index in (0..<count).reversed() { value = value << 8 | UInt64(bytes[start + index]) }
        return Int(truncatingIfNeeded: value)
    }
}
