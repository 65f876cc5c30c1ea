import Foundation
import Testing
import Wire

@Suite struct EntriesTests {
    /// Where the tests run may have EFI or not, and systemd-boot or not; a boot in QEMU has both. Nothing is chosen here.
    @Test(arguments: [false, true])
    func `entries are shown, or a sentence says why not`(rehearsal: Bool) throws {
        let hasEFI = FileManager.default.fileExists(atPath: "/sys/firmware/efi")
        switch try WorkerUnderTest.run(.readEntries(rehearsal: rehearsal)) {
        case .entries(let entries): #expect(hasEFI && !entries.isEmpty)
        case .done(.failed(let reason)):
            #expect(reason.hasPrefix("this machine was not started by EFI") == !hasEFI, "\(reason)")
            #expect(hasEFI || reason.contains("GRUB"))
        default: Issue.record("no answer")
        }
    }
}
