import Foundation
import Linux
import Testing

@Suite struct NetworkCardsTests {
    @Test func `a link awaits udevd until that has written what it knows of it`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "postern-udev-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(!NetworkCards.awaitsUdev(2, folder: folder.path))
        try FileManager.default.createDirectory(at: folder.appending(path: "data"), withIntermediateDirectories: true)
        try Data().write(to: folder.appending(path: "control"))
        #expect(NetworkCards.awaitsUdev(2, folder: folder.path))
        try Data().write(to: folder.appending(path: "data/n2"))
        #expect(!NetworkCards.awaitsUdev(2, folder: folder.path))
        #expect(NetworkCards.awaitsUdev(3, folder: folder.path))
    }
}
