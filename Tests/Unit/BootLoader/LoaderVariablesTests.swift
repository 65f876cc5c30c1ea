import BootLoader
import Testing

/// The boot loader's variables, as efivarfs has them behind their attributes.
@Suite struct LoaderVariablesTests {
    private func bytes(_ units: [UInt16]) -> [UInt8] { units.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] } }

    @Test func `a list reads back as it was written`() {
        let names = ["nixos-generation-42.conf", "auto-windows", "größer 🐧.efi"]
        #expect(LoaderVariables.texts(names.flatMap { LoaderVariables.bytes($0) }) == names)
        #expect(LoaderVariables.bytes("aä") == [0x61, 0, 0xe4, 0, 0, 0])
    }

    @Test(
        arguments: [
            ([], []), ([0], []), ([0x61], []), ([0, 0, 0, 0], []),
            // Without an end, and with half a unit.
            ([0x61, 0, 0, 0, 0x62, 0], ["a", "b"]), ([0x61, 0, 0x62], ["a"]),
            // Half of a pair of surrogates, a line end, an escape.
            ([0x61, 0, 0x3d, 0xd8, 0, 0, 0x62, 0, 0, 0], ["b"]), ([0x61, 0, 0x0a, 0, 0, 0], []),
            ([0x1b, 0, 0, 0, 0x62, 0, 0, 0], ["b"]), ([0x9b, 0, 0, 0], []),
        ] as [([UInt8], [String])])
    func `what is no name is left out`(bytes: [UInt8], names: [String]) {
        #expect(LoaderVariables.texts(bytes) == names)
    }

    @Test func `the list and its names are bounded`() {
        let longest = [UInt16](repeating: 0x61, count: LoaderVariables.longestName)
        #expect(LoaderVariables.texts(bytes(longest + [0] + longest + [0x61, 0, 0x62])).map { $0.count } == [255, 1])
        let many = [[UInt16]](repeating: [0x61, 0], count: LoaderVariables.mostEntries + 5).flatMap { $0 }
        #expect(LoaderVariables.texts(bytes(many)).count == LoaderVariables.mostEntries)
    }

    @Test(
        arguments: [([], false), ([0x7f, 0, 0, 0, 0, 0, 0, 0], true), ([0xfb], false), ([4], true)] as [([UInt8], Bool)]
    )
    func `a loader says whether it takes a choice for one boot`(features: [UInt8], takes: Bool) {
        #expect(LoaderVariables.takesOneShot(features) == takes)
    }

    @Test(
        arguments: [
            (nil, nil, nil), ("a", nil, "a"), ("a", "b", "a"), (nil, "b", "b"), ("@saved", "b", "b"),
            ("@saved", nil, nil),
        ] as [(String?, String?, String?)])
    func `the default is what a variable names, or what was started last`(
        chosen: String?, last: String?, standard: String?
    ) {
        #expect(LoaderVariables.standard(chosen, lastBooted: last) == standard)
    }
}
