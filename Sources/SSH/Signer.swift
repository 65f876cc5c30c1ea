internal import CLibssh
internal import CSigner
public import Linux

/// Holds the host keys of one connection, signs with them, and verifies the client's signatures, in a process that reads
/// nothing from the network. `CSigner.h` has the questions that the session sends.
@safe public final class Signer {
    /// A fuzzer begins anew with it.
    var rules: SignerRules
    private var keys: [OneKey] = []
    /// The random bytes of the server's side in the first key exchange.
    let cookie: [UInt8]

    @safe private struct OneKey {
        /// The public half, empty for a key that cannot be used.
        var blob: [UInt8]
        var key: ssh_key?
    }

    /// What is to be logged of the last question, or empty.
    public private(set) var note = ""

    /// V_S of every key exchange.
    static var greetingOfServers: [UInt8] { unsafe Array(String(cString: signer_banner()).utf8) }
    /// The largest question, in bytes.
    public static let largestQuestion = Int(SIGNER_LARGEST_QUESTION)
    /// As many bytes as a key or signature may have.
    private static var room: [UInt8] { [UInt8](repeating: 0, count: 4096) }

    /// - Parameters:
    ///   - hostKeys: private keys in OpenSSH's file format.
    ///   - gate: the authorized keys.
    /// - Throws: `SSHError`
    public init(hostKeys: [SecretBytes], gate: Gate) throws(SSHError) {
        rules = SignerRules(gate: gate)
        var cookie = [UInt8](repeating: 0, count: Int(SIGNER_COOKIE))
        guard unsafe signer_prepare(ServerSettings.shortestRSA, &cookie) == 0 else { throw .call("ssh_new") }
        self.cookie = cookie
        for text in hostKeys {
            let key = unsafe try Signer.importKey(text)
            var blob = Signer.room
            let count = unsafe signer_public_half(UnsafeRawPointer(key), &blob, blob.count)
            keys.append(unsafe OneKey(blob: Array(blob.prefix(max(count, 0))), key: key))
        }
    }

    /// What logged in: the place of the key among the authorized ones, and the user name that was signed with it.
    public var login: (key: Int, user: [UInt8])? { rules.login }

    /// The first frame to the session: the cookie, and the public halves of the host keys.
    public var greeting: [UInt8] {
        keys.reduce(into: cookie + [UInt8(keys.count)]) { $0 += PacketReader.string($1.blob) }
    }

    /// Answers a question of the session's, at the moment `now` in milliseconds: a signature; or 1 for one that is right; or
    /// 0 to refuse.
    public func answer(_ question: SecretBytes, now: Int64) -> [UInt8] {
        note = ""
        return unsafe question.withUnsafeBytes { bytes in
            guard bytes.count > 3 else { return [0] }
            let content = unsafe UnsafeRawBufferPointer(rebasing: bytes[3...])
            switch unsafe UInt32(bytes[0]) {
            case SIGNER_SIGN.rawValue:
                return unsafe sign(content, digest: Int32(bytes[1]), hashSize: Int(bytes[2]), now: now)
            case SIGNER_VERIFY.rawValue: return unsafe verify(Array(content))
            default: return [0]
            }
        }
    }

    /// Signs the hash of what is to be hashed for a key exchange, with the host key that stands in it.
    private func sign(_ exchange: UnsafeRawBufferPointer, digest: Int32, hashSize: Int, now: Int64) -> [UInt8] {
        var hash = [UInt8](repeating: 0, count: hashSize)
        guard let read = unsafe ExchangePreimage(exchange, greeting: Signer.greetingOfServers),
            let own = keys.first(where: { $0.blob == read.hostKey }),
            unsafe signer_hash(exchange.baseAddress, exchange.count, &hash, hashSize) == 0
        else { return [0] }
        guard rules.maySign(hash, with: own.blob, isFresh: read.cookie == cookie, now: now) else {
            note = "a key exchange too many was refused"
            return [0]
        }
        var made = Signer.room
        let count = unsafe signer_sign(UnsafeRawPointer(own.key), digest, hash, hash.count, &made, made.count)
        return count > 0 ? Array(made.prefix(count)) : [0]
    }

    private func verify(_ question: [UInt8]) -> [UInt8] {
        var reader = PacketReader(question)
        guard let signature = reader.string(), let data = reader.string(), reader.isAtEnd,
            let key = rules.keyToVerify(data, signature)
        else { return [0] }
        let blob = rules.blob(of: key)
        let valid = unsafe signer_verify(blob, blob.count, signature, signature.count, data, data.count) == 1
        rules.verified(key, valid: valid)
        return [valid ? 1 : 0]
    }

    private static func importKey(_ text: SecretBytes) throws(SSHError) -> ssh_key? {
        let terminated: SecretBytes
        do throws(SystemError) { terminated = try SecretBytes(capacity: text.count + 1) } catch {
            throw .memory(error.description)
        }
        unsafe text.withUnsafeBytes { bytes in _ = unsafe terminated.append(contentsOf: bytes) }
        _ = terminated.append(0)
        var key: ssh_key?
        let result = unsafe terminated.withUnsafeBytes { bytes in
            unsafe ssh_pki_import_privkey_base64(bytes.bindMemory(to: CChar.self).baseAddress, nil, nil, nil, &key)
        }
        return result == SSH_OK ? unsafe key : nil
    }
}

/// The session's end of its socket to the signer.
public enum SignerLink {
    /// Has libssh ask the signer from now on.
    ///
    /// - Returns: the public halves of the host keys, for `ServerSettings`.
    /// - Throws: `SSHError.noSigner`
    public static func connect(_ descriptor: Int32) throws(SSHError) -> [[UInt8]] {
        signer_connect(descriptor)
        var greeting = [UInt8](repeating: 0, count: Signer.largestQuestion)
        let size = unsafe signer_receive(&greeting, greeting.count)
        let cookie = Int(SIGNER_COOKIE)
        guard size > cookie else { throw .noSigner }
        unsafe signer_use(greeting)
        var reader = PacketReader(Array(greeting[cookie..<size]))
        guard let count = reader.byte() else { throw .noSigner }
        var keys: [[UInt8]] = []
        for _ in 0..<count {
            guard let key = reader.string() else { throw .noSigner }
            keys.append(key)
        }
        return keys
    }
}
