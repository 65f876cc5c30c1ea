import Foundation
import Testing

@testable import Linux

/// The folder of systemd's questions, and the answers.
@Suite struct PasswordFolderTests {
    private final class Place {
        let path = FileManager.default.temporaryDirectory.appending(path: "ask-\(UUID().uuidString)").path

        func write(_ name: String, _ text: String) throws {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private func isReadable(_ number: Int32) -> Bool {
        var set = PollSet()
        let token = set.add(number, .readable)
        set.wait(milliseconds: 0)
        return !set.events(of: token).isEmpty
    }

    @Test func `questions are seen as they come and go, also in a folder that is made later`() throws {
        let place = Place()
        var folder = try PasswordFolder(place.path)
        #expect(folder.questions(limit: 100).isEmpty)
        try place.write("ask.one", "1")
        #expect(isReadable(folder.number))
        #expect(folder.questions(limit: 100).map(\.name) == ["ask.one"])
        #expect(!isReadable(folder.number))
        // systemd renames a whole file into its place.
        try place.write("tmp.two", "2")
        try FileManager.default.moveItem(atPath: "\(place.path)/tmp.two", toPath: "\(place.path)/ask.two")
        #expect(isReadable(folder.number))
        #expect(Set(folder.questions(limit: 100).map(\.name)) == ["ask.one", "ask.two"])
        try FileManager.default.removeItem(atPath: "\(place.path)/ask.one")
        #expect(isReadable(folder.number))
        #expect(folder.questions(limit: 100).map(\.bytes) == [Array("2".utf8)])
    }

    @Test func `what is no short regular file of one's own is passed over`() throws {
        let place = Place()
        try place.write("ask.good", "1")
        try place.write("ask.long", String(repeating: "x", count: 101))
        try place.write("other", "1")
        try FileManager.default.createDirectory(
            atPath: "\(place.path)/ask.folder", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: "\(place.path)/ask.link", withDestinationPath: "\(place.path)/other")
        #expect(mkfifo("\(place.path)/ask.pipe", 0o600) == 0)
        if geteuid() == 0 {
            try place.write("ask.stranger", "1")
            #expect(chown("\(place.path)/ask.stranger", 65534, 65534) == 0)
        }
        var folder = try PasswordFolder(place.path)
        #expect(folder.questions(limit: 100).map(\.name) == ["ask.good"])
    }

    @Test func `no more questions are read than a boot can have`() throws {
        let place = Place()
        for number in 0..<100 { try place.write("ask.\(number)", "1") }
        var folder = try PasswordFolder(place.path)
        #expect(folder.questions(limit: 100).count == 64)
    }

    @Test func `an answer is one datagram with a plus before it, and a zero byte is no part of a passphrase`() throws {
        let place = Place()
        try place.write("here", "")
        let path = "\(place.path)/sck.1"
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        try #require(path.utf8.count < MemoryLayout.size(ofValue: address.sun_path))
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let socket = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(socket) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
        let secret = try SecretBytes(capacity: 16)
        for byte in "two words".utf8 { #expect(secret.append(byte)) }
        try PasswordFolder.answer(path, with: secret)
        var room = [UInt8](repeating: 0, count: 64)
        #expect(recv(socket, &room, room.count, Int32(MSG_DONTWAIT)) == 10)
        #expect(room.prefix(10) == Array("+two words".utf8)[...])
        #expect(secret.append(0))
        #expect(throws: SystemError.self) { try PasswordFolder.answer(path, with: secret) }
        #expect(recv(socket, &room, room.count, Int32(MSG_DONTWAIT)) == -1)
        secret.removeAll()
        try FileManager.default.removeItem(atPath: path)
        #expect(throws: SystemError("sendto", code: ENOENT)) { try PasswordFolder.answer(path, with: secret) }
    }
}
