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

    @Test(
        arguments: [
            ("", []),
            ("quiet rd.luks.uuid=luks-11-22 luks.uuid=33", ["luks-11-22", "luks-33"]),
            ("rd.luks.name=11-22=root luks.name=33=data=1\n", ["root", "data=1"]),
            ("rd.luks.name=11-22 rd.luks.name= luks.uuid=", ["luks-"]),
            ("rd.luks.uuid=11 rd.luks=0", []),
            ("rd.luks=no rd.luks.uuid=11 rd.luks=1", ["luks-11"]),
            ("xrd.luks.uuid=11 rd.rd.luks.uuid=11", []),
        ] as [(String, [String])])
    func `the volumes that it names to systemd are found among the others`(line: String, names: [String]) {
        var volumes = KernelVolumes()
        volumes.read(Array(line.utf8))
        for name in ["luks-11-22", "luks-33", "luks-11", "luks-", "root", "data=1", ""] {
            #expect(volumes.has(name) == names.contains(name), "\(name)")
        }
    }
}
