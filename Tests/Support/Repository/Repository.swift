public import Foundation

/// Where the tests find what the repository holds.
public enum Repository {
    /// The folder that has Package.swift.
    public static let root: URL = {
        var folder = URL(filePath: #filePath)
        while !FileManager.default.fileExists(atPath: folder.appending(path: "Package.swift").path) {
            folder.deleteLastPathComponent()
            precondition(folder.path != "/", "there is no Package.swift above \(#filePath)")
        }
        return folder
    }()

    /// The path of a file in it, such as `initrd/build`.
    public static func path(_ relative: String) -> String { root.appending(path: relative).path }
}
