internal import CLibssh
internal import CSigner
internal import Linux

/// What the server's side of a connection offers.
public struct ServerSettings {
    /// Public keys, as the signer told them; one that it cannot sign with is empty.
    public var hostKeys: [[UInt8]]
    /// Lists of names as in sshd_config.
    public var keyExchange = ServerSettings.keyExchange
    public var ciphers = ServerSettings.ciphers
    public var macs = ServerSettings.macs

    public init(hostKeys: [[UInt8]]) {
        self.hostKeys = hostKeys
    }

    /// Post-quantum first; plain curve25519 for clients of before 2022, and the last for libraries without that. The curves
    /// of NIST, which others still have instead, are not for everybody: ssh-audit has them fail.
    public static let keyExchange =
        "mlkem768x25519-sha256,sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,"
        + "curve25519-sha256,curve25519-sha256@libssh.org,diffie-hellman-group14-sha256"
    public static let ciphers =
        "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr"
    /// The last two for libraries that do not know the first.
    public static let macs =
        "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512"
    private static let hostKeyAlgorithms =
        "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256"
    private static let publicKeyAlgorithms =
        "ssh-ed25519,sk-ssh-ed25519@openssh.com,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
        + "sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256"
    static let shortestRSA: Int32 = 2048

    /// Hands the settings to libssh. What it does not take of the lists is replaced by Postern's own, and a host key
    /// that it does not take is left out: either is told to `note`, and costs nobody the way in.
    ///
    /// - Throws: `SSHError`; `noHostKey` when none is left.
    func apply(to bind: ssh_bind, note: (String) -> Void) throws(SSHError) {
        var off = false
        try unsafe set(bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &off, "PROCESS_CONFIG")
        // Before the keys, which it is applied to.
        var shortest = ServerSettings.shortestRSA
        try unsafe set(bind, SSH_BIND_OPTIONS_RSA_MIN_SIZE, &shortest, "RSA_MIN_SIZE")
        for (options, name, list, own) in [
            ([SSH_BIND_OPTIONS_KEY_EXCHANGE], "KexAlgorithms", keyExchange, ServerSettings.keyExchange),
            ([SSH_BIND_OPTIONS_CIPHERS_C_S, SSH_BIND_OPTIONS_CIPHERS_S_C], "Ciphers", ciphers, ServerSettings.ciphers),
            ([SSH_BIND_OPTIONS_HMAC_C_S, SSH_BIND_OPTIONS_HMAC_S_C], "MACs", macs, ServerSettings.macs),
        ] {
            for option in options where unsafe ssh_bind_options_set(bind, option, list) != 0 {
                note("\(name) \(printable(list, limit: 200)) names nothing that libssh has: the default is used")
                guard unsafe ssh_bind_options_set(bind, option, own) == 0 else { throw .call(name) }
            }
        }
        for (option, list) in [
            (SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS, ServerSettings.hostKeyAlgorithms),
            (SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES, ServerSettings.publicKeyAlgorithms),
        ] {
            guard unsafe ssh_bind_options_set(bind, option, list) == 0 else { throw .call(list) }
        }
        var taken = 0
        for key in hostKeys {
            if unsafe importKey(key, bind) { taken += 1 } else { note("a host key cannot be used") }
        }
        guard taken > 0 else { throw .noHostKey }
    }

    private func set<Value: BitwiseCopyable>(
        _ bind: ssh_bind, _ option: ssh_bind_options_e, _ value: inout Value, _ name: String
    ) throws(SSHError) {
        guard unsafe ssh_bind_options_set(bind, option, &value) == 0 else { throw .call(name) }
    }

    /// Whether libssh took the key, which it then owns.
    private func importKey(_ blob: [UInt8], _ bind: ssh_bind) -> Bool {
        guard let key = unsafe signer_public_key(blob, blob.count) else { return false }
        if unsafe ssh_bind_options_set(bind, SSH_BIND_OPTIONS_IMPORT_KEY, key) == 0 { return true }
        unsafe ssh_key_free(OpaquePointer(key))
        return false
    }
}
