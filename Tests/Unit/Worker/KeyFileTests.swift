import Foundation
import Linux
import TestImages
import Testing
import Wire

@Suite struct KeyFileTests {
    let place: Workplace

    init() throws {
        place = try Workplace()
        try place.write("key", Array(0..<100))
        try place.write("empty", [])
        try place.shell(
            """
            mkdir folder folder/inner; cp key empty folder; ln -s key folder/link; ln -s inner folder/way
            cp key folder/inner; ln -s "$PWD/key" folder/absolute; mkfifo folder/fifo
            truncate -s 8388609 large folder/large
            """)
    }

    /// The key's bytes, or the sentence with this test's folder left out.
    private func read(_ order: KeyOrder, wrapper: [String] = []) throws -> (key: [UInt8]?, sentence: String?) {
        switch try WorkerUnderTest.run(.readKey(order), wrapper: wrapper) {
        case .key(let key): return (bytes(key), nil)
        case .done(.failed(let reason)): return (nil, reason.replacing("\(place.path)/", with: ""))
        default: return (nil, nil)
        }
    }

    private func file(
        _ name: String, folder: String? = nil, offset: UInt64 = 0, size: UInt32? = nil
    ) -> KeyOrder {
        KeyOrder(
            device: nil, folder: folder.map { place.file($0) }, path: folder == nil ? place.file(name) : name,
            offset: offset, size: size)
    }

    @Test(
        arguments: [(0, nil, 0..<100), (0, 10, 0..<10), (90, nil, 90..<100), (90, 10, 90..<100)]
            as [(UInt64, UInt32?, Range<UInt8>)])
    func `the part of the file that is asked for is read`(offset: UInt64, size: UInt32?, bytes: Range<UInt8>) throws {
        #expect(try read(file("key", offset: offset, size: size)).key == Array(bytes))
        #expect(try read(file("/key", folder: "folder", offset: offset, size: size)).key == Array(bytes))
    }

    @Test(.enabled(if: geteuid() == 0, "others may not lock so much memory"))
    func `the largest key passes`() throws {
        #expect(try read(file("large", offset: 1)).key?.count == 8 << 20)
    }

    @Test(.enabled(if: geteuid() == 0, "loop devices need root"))
    func `a block device that crypttab names is read as a key file is`() throws {
        try place.write("raw", (0..<4096).map { UInt8(truncatingIfNeeded: $0) })
        let device = try place.shell("losetup --show -f raw").trimmingCharacters(in: .whitespacesAndNewlines)
        defer { _ = try? place.shell("losetup -d \(device)") }
        let order = KeyOrder(device: nil, folder: nil, path: device, offset: 512, size: 64)
        #expect(try read(order).key == (0..<64).map { UInt8($0) })
        let whole = KeyOrder(device: nil, folder: nil, path: device, offset: 0, size: nil)
        #expect(try read(whole).key?.count == 4096)
        // A key volume is somebody else's: a device in it is none.
        try place.shell("cp -a \(device) folder/node")
        #expect(try read(file("/node", folder: "folder")).key == nil)
    }

    @Test func `a key that memory cannot be locked for is said`() throws {
        // Root without its right to lock any memory is as others are.
        let limited = ["prlimit", "--memlock=8388608:8388608"]
        let wrapper = geteuid() == 0 ? limited + ["setpriv", "--bounding-set=-ipc_lock"] : limited
        #expect(
            try read(file("large", offset: 1), wrapper: wrapper).sentence
                == "no locked memory for the key file: mlock: Cannot allocate memory")
    }

    @Test func `the initrd's own links are followed`() throws {
        #expect(try read(file("folder/link")).key?.count == 100)
    }

    @Test func `a folder in the volume is entered`() throws {
        #expect(try read(file("/inner/key", folder: "folder")).key?.count == 100)
        #expect(try read(file("inner/../key", folder: "folder")).key?.count == 100)
    }

    @Test(
        arguments: [
            ("none", nil, 0, nil, "key file none: No such file or directory"),
            ("empty", nil, 0, nil, "key file empty is empty"),
            ("folder", nil, 0, nil, "key file folder is not a regular file"),
            ("folder/fifo", nil, 0, nil, "key file folder/fifo is not a regular file"),
            ("large", nil, 0, nil, "key file large is larger than 8 MiB; keyfile-size= takes a part of it"),
            ("large", nil, 0, 8_388_609, "key file large is larger than 8 MiB; keyfile-size= takes a part of it"),
            ("key", nil, 0, 101, "key file key has only 100 bytes, but a key of 101 is asked for"),
            ("key", nil, 99, 2, "key file key has only 100 bytes, but a key of 2 from byte 99 on is asked for"),
            ("key", nil, 100, nil, "key file key has only 100 bytes, but what follows byte 100 is asked for"),
            (
                "key", nil, .max, 1,
                "key file key has only 100 bytes, but a key of 1 from byte \(UInt64.max) on is asked for"
            ),
            ("/none", "folder", 0, nil, "key file /none in folder: No such file or directory"),
            ("/key", "nowhere", 0, nil, "key file /key in nowhere: No such file or directory"),
            ("/empty", "folder", 0, nil, "key file /empty in folder is empty"),
            ("/inner", "folder", 0, nil, "key file /inner in folder is not a regular file"),
            ("/fifo", "folder", 0, nil, "key file /fifo in folder is not a regular file"),
            ("/", "folder", 0, nil, "key file / in folder: No such file or directory"),
            (
                "/large", "folder", 0, nil,
                "key file /large in folder is larger than 8 MiB; keyfile-size= takes a part of it"
            ),
            (
                "/link", "folder", 0, nil,
                "key file /link in folder lies behind a symbolic link, which is not followed there"
            ),
            (
                "/way/key", "folder", 0, nil,
                "key file /way/key in folder lies behind a symbolic link, which is not followed there"
            ),
            (
                "/absolute", "folder", 0, nil,
                "key file /absolute in folder lies behind a symbolic link, which is not followed there"
            ),
            ("/../key", "folder", 0, nil, "key file /../key in folder leads out of the key volume"),
            ("/inner/../../key", "folder", 0, nil, "key file /inner/../../key in folder leads out of the key volume"),
        ] as [(String, String?, UInt64, UInt32?, String)])
    func `what is wrong with a key file is said`(
        name: String, folder: String?, offset: UInt64, size: UInt32?, sentence: String
    ) throws {
        #expect(try read(file(name, folder: folder, offset: offset, size: size)).sentence == sentence)
    }
}
