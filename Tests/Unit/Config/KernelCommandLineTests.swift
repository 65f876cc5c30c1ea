import Config
import Testing

@Suite struct KernelCommandLineTests {
    @Test(
        arguments: [
            ("", false, nil),
            ("quiet postern=off ro\n", true, nil),
            ("postern=offline", false, nil),
            ("xpostern=off", false, nil),
            ("postern=off postern=on", false, nil),
            ("postern.port=2200 quiet", false, 2200),
            ("postern.port=0 postern.port=99999 postern.port=", false, nil),
            ("postern.port=1 postern.port=2", false, 2),
        ] as [(String, Bool, UInt16?)])
    func `the words for the agent are found among the others`(line: String, isOff: Bool, port: UInt16?) {
        let read = KernelCommandLine(Array(line.utf8))
        #expect(read.isOff == isOff)
        #expect(read.port == port)
    }
}
