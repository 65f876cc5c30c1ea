import Linux
import Testing

/// Whether a mapping is the volume that was meant.
@Suite struct MappingTests {
    private static let uuid = "8d103e45-0233-4756-899e-bf8892644790"
    private static let bare = "8d103e4502334756899ebf8892644790"
    private static let taken = "the name is taken by another mapping"

    @Test(
        arguments: [
            ("CRYPT-LUKS2-\(bare)-crypt-root", uuid, true),
            ("CRYPT-LUKS1-\(bare)-crypt-root", uuid, true),
            ("CRYPT-LUKS2-\(bare)-an-older-name", uuid, true),
            ("CRYPT-LUKS2-8D103E4502334756899EBF8892644790-crypt-root", uuid, true),
            ("CRYPT-LUKS2-\(bare)-crypt-root", "8D103E45-0233-4756-899E-BF8892644790", true),
            ("CRYPT-LUKS2-\(bare)-crypt-root", nil, true),
            // What LVM makes of the volume `root` of a group `crypt`, and the parts of LVM's own volumes.
            ("LVM-9sq1ZQ0pSPDRHHYIQRnSvHMYJq6pWdDT0hhZ1Y9wB2Fk3VpnGcUjWzXa7m8eL5oT", uuid, false),
            ("LVM-9sq1ZQ0pSPDRHHYIQRnSvHMYJq6pWdDT0hhZ1Y9wB2Fk3VpnGcUjWzXa7m8eL5oT-real", nil, false),
            ("LVM-CRYPT-LUKS2-\(bare)-crypt-root", uuid, false),
            ("mpath-360a98000486e53534f34564c54753041", uuid, false),
            ("part1-CRYPT-LUKS2-\(bare)-crypt-root", uuid, false),
            ("DMRAID-isw_abc", uuid, false),
            ("", uuid, false), ("", nil, false),
            // Others of cryptsetup's.
            ("CRYPT-LUKS2-\(bare.dropLast())1-crypt-root", uuid, false),
            ("CRYPT-PLAIN-crypt-root", uuid, false), ("CRYPT-PLAIN-crypt-root", nil, false),
            ("CRYPT-SUBDEV-\(bare)-crypt-root_dif", uuid, false),
            ("CRYPT-INTEGRITY-crypt-root", nil, false), ("CRYPT-VERITY-\(bare)-crypt-root", uuid, false),
            ("CRYPT-TEMP-temporary-cryptsetup-1", nil, false), ("CRYPT-TCRYPT-crypt-root", nil, false),
            // What is like one, and is none.
            ("CRYPT-LUKS3-\(bare)-crypt-root", uuid, false),
            ("crypt-luks2-\(bare)-crypt-root", uuid, false),
            ("CRYPT-LUKS2-\(uuid)-crypt-root", uuid, false),
            ("CRYPT-LUKS2-\(bare)", uuid, false), ("CRYPT-LUKS2-\(bare)0-crypt-root", uuid, false),
            ("CRYPT-LUKS2-crypt-root", "", false), ("CRYPT-LUKS2--crypt-root", "", false),
            ("CRYPT-LUKS2-\(bare)-crypt-root", "", false), ("CRYPT-LUKS2-", nil, false),
        ] as [(String, String?, Bool)])
    func `only a mapping that cryptsetup made of the volume is the volume, whatever it is called`(
        _ own: String, _ wanted: String?, _ isVolume: Bool
    ) {
        let mapping = Mapping(uuid: own)
        #expect((mapping.objection(to: wanted) == nil) == isVolume)
        #expect((mapping.strangeness(to: wanted) == nil) == isVolume)
        if !isVolume { #expect(mapping.objection(to: wanted)?.hasPrefix(Self.taken) == true) }
    }

    @Test func `the volume's own mapping is open only when its table is live and encrypts`() {
        let own = Mapping(uuid: "CRYPT-LUKS2-\(Self.bare)-crypt-root")
        func objection(partly: Bool = false, _ change: (inout Mapping) -> Void) -> String? {
            var mapping = own
            change(&mapping)
            #expect(mapping.strangeness(to: Self.uuid) == nil)
            return mapping.objection(to: Self.uuid, mayBePartlyPlain: partly)
        }
        let dead = "its mapping is suspended, or has no table"
        let plain = "its mapping is not one that encrypts"
        #expect(objection { $0.isSuspended = true } == dead)
        #expect(objection { ($0.targets, $0.encrypting) = (0, 0) } == dead)
        #expect(objection(partly: true) { ($0.targets, $0.encrypting) = (0, 0) } == dead)
        #expect(objection { $0.isLeaving = true } == "its mapping is about to be removed")
        #expect(objection { ($0.encrypting, $0.linear) = (0, 1) } == plain)
        #expect(objection { ($0.targets, $0.encrypting, $0.linear) = (2, 1, 1) } == plain)
        #expect(objection { ($0.targets, $0.encrypting) = (2, 2) } == nil)
        // In the midst of a reencryption a part of it lies on the disk itself, or on a mapping that cryptsetup works with.
        #expect(objection(partly: true) { ($0.targets, $0.encrypting, $0.linear) = (2, 1, 1) } == nil)
        #expect(objection(partly: true) { ($0.encrypting, $0.linear) = (0, 1) } == nil)
        #expect(objection(partly: true) { $0.encrypting = 0 } == plain)
    }

    @Test func `what a stranger has called his mapping does not move a cursor`() {
        let said = Mapping(uuid: "LVM-\u{1b}[2J\n").strangeness(to: Self.uuid)
        #expect(said == #"\#(Self.taken) (LVM-\x1b[2J\x0a): it waits until that is gone"#)
    }

    @Test func `where device-mapper has nothing, or is not there, there is no mapping`() {
        #expect(Mapping(named: "postern-test-none") == nil)
        #expect(Mapping(named: String(repeating: "x", count: 128)) == nil)
    }
}
