internal import CLibssh
internal import CSigner
public import Linux

/// The host keys of one connection, and what is done with them and with its client's signatures, in a process that reads
/// nothing from the network. `CSigner.h` has what the session asks.
@safe public final class Signer {
    /// A fuzzer begins anew with it.
    var rules: SignerRules
    private var keys: [OneKey] = []

    @safe private struct OneKey {
        /// The public half, empty for a key that cannot be used.
        var blob: [UInt8]
        var key: ssh_key?
    }

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
        guard signer_prepare(ServerSettings.shortestRSA) == 0 else { throw .call("ssh_new") }
        for text in hostKeys {
            let key = unsafe try Signer.importKey(text)
            var blob = Signer.room
            let count = unsafe signer_public_half(UnsafeRawPointer(key), &blob, blob.count)
            keys.append(unsafe OneKey(blob: Array(blob.prefix(max(count, 0))), key: key))
        }
    }

    /// What logged in: the place of the key among the authorized ones, and the user name that was signed with it.
    public var login: (key: Int, user: [UInt8])? { rules.login }

    /// The first frame to the session: the public halves of the host keys.
    public var greeting: [UInt8] { keys.reduce(into: [UInt8(keys.count)]) { $0 += PacketReader.string($1.blob) } }

    /// Answers a question of the session's: a signature; or 1 for one that is right; or 0 to refuse.
    public func answer(_ question: [UInt8]) -> [UInt8] {
        var reader = PacketReader(question)
        guard let kind = reader.byte(), let digest = reader.byte(), let first = reader.string(),
            let second = reader.string(), reader.isAtEnd
        else { return [0] }
        if kind == SIGNER_SIGN.rawValue {
            guard let own = keys.first(where: { $0.blob == first && !first.isEmpty }),
                rules.maySign(second, with: first)
            else { return [0] }
            var made = Signer.room
            let count = unsafe signer_sign(
                UnsafeRawPointer(own.key), Int32(digest), second, second.count, &made, made.count)
            return count > 0 ? Array(made.prefix(count)) : [0]
        }
        guard kind == SIGNER_VERIFY.rawValue, let key = rules.judge(second, first) else { return [0] }
        let blob = rules.blob(of: key)
        let valid = unsafe signer_verify(blob, blob.count, first, first.count, second, second.count) == 1
        rules.conclude(key, valid: valid)
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
        var reader = PacketReader(Array(greeting.prefix(max(size, 0))))
        guard let count = reader.byte() else { throw .noSigner }
        var keys: [[UInt8]] = []
        for _ in 0..<count {
            guard let key = reader.string() else { throw .noSigner }
            keys.append(key)
        }
        return keys
    }
}
