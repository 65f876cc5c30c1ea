import Foundation
import Linux
import Testing

@Suite struct BlockEventTests {
    @Test(
        arguments: [
            (["add@/devices/x", "ACTION=add", "SUBSYSTEM=block", "DEVNAME=vda1"], BlockEvent.changed("/dev/vda1")),
            (["ACTION=change", "DEVNAME=/dev/sr0", "SUBSYSTEM=block"], .changed("/dev/sr0")),
            (["SUBSYSTEM=block", "DEVNAME=cciss/c0d0", "ACTION=add"], .changed("/dev/cciss/c0d0")),
            (["ACTION=remove", "SUBSYSTEM=block", "DEVNAME=sdb"], .removed("/dev/sdb")),
            (["remove@/x", "SUBSYSTEM=block", "DEVNAME=sdb"], .changed("/dev/sdb")),
            (["ACTION=add", "SUBSYSTEM=net", "DEVNAME=eth0"], nil),
            (["ACTION=add", "SUBSYSTEM=block"], nil),
            (["ACTION=add", "SUBSYSTEM=block", "DEVNAME="], nil),
            (["ACTION=remove", "SUBSYSTEM=block", "DEVNAME=/"], nil),
            (["ACTION=add", "XSUBSYSTEM=block", "DEVNAME=sda"], nil),
            (["libudev", "SUBSYSTEM=blocks", "DEVNAME=sda"], nil),
            ([], nil),
        ])
    func `a uevent of a block device is read`(fields: [String], event: BlockEvent?) {
        var bytes: [UInt8] = []
        for field in fields { bytes += Array(field.utf8) + [0] }
        #expect(BlockEvent(uevent: bytes[...]) == event)
        #expect(BlockEvent(uevent: bytes.dropLast()) == event)
    }

    @Test func `a socket for uevents opens, and has nothing to say`() throws {
        let uevents = try Uevents()
        var lost = false
        #expect(uevents.number >= 0)
        while uevents.next(lost: &lost) != nil {}
        #expect(!lost)
    }
}

@Suite struct PathWatchTests {
    /// A folder that goes with the test.
    private final class Folder {
        let path: String
        init() {
            var template = Array("/tmp/postern-watch-XXXXXX".utf8CString)
            path = mkdtemp(&template).map { String(cString: $0) } ?? "/nonexistent"
        }
        deinit { remove(path) }

        func remove(_ path: String) {
            for name in Files.names(in: path) { remove("\(path)/\(name)") }
            unlink(path)
            rmdir(path)
        }
    }

    /// Waits for an event, and returns what has changed, such as `+/tmp/x`.
    private func changes(_ watch: inout PathWatch, waits: Bool = true) -> [String] {
        if waits {
            var set = PollSet()
            let watched = set.add(watch.number, .readable)
            set.wait(milliseconds: 10_000)
            #expect(!set.events(of: watched).isEmpty)
        }
        return watch.changes().map { ($0.isThere ? "+" : "-") + $0.path }
    }

    @Test func `a file that is there counts as come, one that is not does not`() throws {
        let folder = Folder()
        try Files.write("", to: "\(folder.path)/a", mode: 0o600)
        var watch = try PathWatch(["\(folder.path)/a", "\(folder.path)/b"])
        #expect(changes(&watch, waits: false) == ["+\(folder.path)/a"])
        #expect(changes(&watch, waits: false) == [])
    }

    @Test func `files, links and folders come and go`() throws {
        let folder = Folder()
        let path = "\(folder.path)/disk/by-id/x"
        var watch = try PathWatch([path])
        #expect(changes(&watch, waits: false) == [])
        try Files.makeFolder("\(folder.path)/disk", mode: 0o700)
        #expect(changes(&watch) == [])
        try Files.makeFolder("\(folder.path)/disk/by-id", mode: 0o700)
        #expect(changes(&watch) == [])
        symlink("/dev/null", path)
        #expect(changes(&watch) == ["+\(path)"])
        unlink(path)
        #expect(changes(&watch) == ["-\(path)"])
        symlink("/dev/null", "\(path).new")
        #expect(changes(&watch) == [])
        rename("\(path).new", path)
        #expect(changes(&watch) == ["+\(path)"])
        folder.remove("\(folder.path)/disk")
        #expect(changes(&watch) == ["-\(path)"])
        try Files.makeFolder("\(folder.path)/disk", mode: 0o700)
        try Files.makeFolder("\(folder.path)/disk/by-id", mode: 0o700)
        symlink("/dev/null", path)
        #expect(changes(&watch) == ["+\(path)"])
    }

    @Test func `what takes another's place has gone and come`() throws {
        let folder = Folder()
        let path = "\(folder.path)/x"
        try Files.write("", to: path, mode: 0o600)
        var watch = try PathWatch([path])
        #expect(changes(&watch, waits: false) == ["+\(path)"])
        try Files.write("", to: "\(folder.path)/y", mode: 0o600)
        rename("\(folder.path)/y", path)
        #expect(changes(&watch) == ["-\(path)", "+\(path)"])
        // As udev does: the link stays, and leads somewhere else.
        for target in ["/dev/null", "/dev/zero"] {
            symlink(target, "\(path).new")
            rename("\(path).new", path)
            #expect(changes(&watch) == ["-\(path)", "+\(path)"])
        }
        // The same under another name is the same.
        symlink("/dev/zero", "\(path).new")
        rename("\(path).new", path)
        #expect(changes(&watch) == [])
    }

    @Test func `a block device is there once it has a size`() throws {
        let folder = Folder()
        let file = "\(folder.path)/disk"
        try Files.write(String(repeating: "x", count: 65_536), to: file, mode: 0o600)
        // A free one is a node without a size, as an array is that was not started.
        func losetup(_ arguments: [String]) throws -> String {
            let tool = Process()
            let output = Pipe()
            tool.executableURL = URL(filePath: "/usr/sbin/losetup")
            tool.arguments = arguments
            tool.standardOutput = output
            try tool.run()
            let said = output.fileHandleForReading.readDataToEndOfFile()
            tool.waitUntilExit()
            try #require(tool.terminationStatus == 0)
            return String(decoding: said, as: UTF8.self).trimmingCharacters(in: .newlines)
        }
        // Others may take the free one meanwhile.
        for attempt in 1...5 {
            let device = try losetup(["--find"])
            var watch = try PathWatch([device])
            guard changes(&watch, waits: false) == [] else { continue }
            do { _ = try losetup([device, file]) } catch  where attempt < 5 { continue }
            defer { _ = try? losetup(["--detach", device]) }
            #expect(changes(&watch, waits: false) == ["+\(device)"])
            return
        }
        Issue.record("no loop device stayed free")
    }

    @Test func `a folder that moves away takes its paths along`() throws {
        let folder = Folder()
        try Files.makeFolder("\(folder.path)/a", mode: 0o700)
        try Files.write("", to: "\(folder.path)/a/x", mode: 0o600)
        var watch = try PathWatch(["\(folder.path)/a/x"])
        _ = watch.changes()
        rename("\(folder.path)/a", "\(folder.path)/b")
        #expect(changes(&watch) == ["-\(folder.path)/a/x"])
        rename("\(folder.path)/b", "\(folder.path)/a")
        #expect(changes(&watch) == ["+\(folder.path)/a/x"])
    }

    @Test func `folders made while they are looked for are not missed`() throws {
        let folder = Folder()
        let path = "\(folder.path)/a/b/x"
        for _ in 0..<200 {
            var watch = try PathWatch([path])
            var maker = pthread_t()
            let argument = Unmanaged.passRetained(Box(folder.path))
            pthread_create(
                &maker, nil,
                { raw in
                    guard let raw else { return nil }
                    let path = Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().text
                    mkdir(path + "/a", 0o700)
                    mkdir(path + "/a/b", 0o700)
                    return nil
                }, argument.toOpaque())
            // So that some are made in the very moment in which the watch passes by.
            for _ in 0..<Int.random(in: 0..<400) { _ = getppid() }
            #expect(changes(&watch, waits: false) == [])
            pthread_join(maker, nil)
            while isReadable(watch.number) { #expect(changes(&watch, waits: false) == []) }
            try Files.write("", to: path, mode: 0o600)
            let isSeen = isReadable(watch.number)
            #expect(isSeen)
            folder.remove("\(folder.path)/a")
            guard isSeen else { return }
        }
    }

    private func isReadable(_ descriptor: Int32) -> Bool {
        var set = PollSet()
        let token = set.add(descriptor, .readable)
        set.wait(milliseconds: 0)
        return !set.events(of: token).isEmpty
    }

    private final class Box {
        let text: String
        init(_ text: String) { self.text = text }
    }
}

@Suite struct MachineTests {
    @Test func `free memory and cores are known`() {
        #expect(Machine.freeMemory > 1024)
        #expect(Machine.cores >= 1)
        #expect(!Machine.hostName.isEmpty)
    }

    @Test func `a file of proc has no size and is read all the same`() throws {
        #expect(try !Files.read("/proc/self/status", limit: 1 << 16).isEmpty)
        #expect(throws: SystemError("read(/proc/self/status)", code: EFBIG)) {
            try Files.read("/proc/self/status", limit: 10)
        }
    }

    @Test func `a file over the limit is refused`() throws {
        try Files.write("12345", to: "/tmp/postern-limit-\(getpid())", mode: 0o600)
        defer { unlink("/tmp/postern-limit-\(getpid())") }
        #expect(try Files.read("/tmp/postern-limit-\(getpid())", limit: 5) == Array("12345".utf8))
        #expect(throws: SystemError("read(/tmp/postern-limit-\(getpid()))", code: EFBIG)) {
            try Files.read("/tmp/postern-limit-\(getpid())", limit: 4)
        }
    }

    @Test func `disks that hold nothing are passed over`() {
        #expect(BlockDevices.all.allSatisfy { $0.hasPrefix("/dev/") && !$0.hasPrefix("/dev/ram") })
    }
}
