internal import CLinux

/// The folder in which systemd's programs put their questions for passwords, as its PASSWORD_AGENTS describes it.
public struct PasswordFolder: ~Copyable {
    public static let path = "/run/systemd/ask-password"
    /// Questions that are looked at. A boot has a few.
    private static let mostQuestions = 64

    private let folder: String
    private var watch: PathWatch

    /// The descriptor, for `poll`: readable when something has come or gone.
    public var number: Int32 { watch.number }

    /// Starts to watch it. It need not be there yet.
    ///
    /// - Throws: `SystemError` for `inotify_init1`.
    public init(_ folder: String = PasswordFolder.path) throws(SystemError) {
        self.folder = folder
        // No question is called so: what is watched is the folder.
        watch = try PathWatch(["\(folder)/none"])
    }

    /// The questions that are there now, by their files' names. What is no regular file of this process's own user, or is
    /// longer than `limit` bytes, is passed over.
    public mutating func questions(limit: Int) -> [(name: String, bytes: [UInt8])] {
        // First, so that what comes while this reads is an event.
        _ = watch.changes()
        var questions: [(name: String, bytes: [UInt8])] = []
        for name in Files.names(in: folder) where name.hasPrefix("ask.") {
            guard questions.count < PasswordFolder.mostQuestions else { break }
            if let bytes = try? Files.readOwn("\(folder)/\(name)", limit: limit) { questions.append((name, bytes)) }
        }
        return questions
    }

    /// Answers a question. Only root is heard.
    ///
    /// - Parameters:
    ///   - socket: the path that the question names.
    ///   - secret: the passphrase, without a zero byte.
    /// - Throws: `SystemError` for `sendto`, such as `ENOENT` and `ECONNREFUSED` when nobody asks any more; `EINVAL` for a
    ///   passphrase with a zero byte, which would be two.
    public static func answer(_ socket: String, with secret: SecretBytes) throws(SystemError) {
        let message = try SecretBytes(capacity: secret.count + 1)
        _ = message.append(UInt8(ascii: "+"))
        let isWhole = unsafe secret.withUnsafeBytes { bytes in
            unsafe !bytes.contains(0) && message.append(contentsOf: bytes)
        }
        guard isWhole else { throw SystemError("a passphrase with a zero byte", code: EINVAL) }
        try unsafe message.withUnsafeBytes { bytes throws(SystemError) in
            _ = try check("sendto") { unsafe linux_send_local(socket, bytes.baseAddress, UInt(bytes.count)) }
        }
    }
}
