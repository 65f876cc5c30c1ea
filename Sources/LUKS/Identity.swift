internal import CCryptsetup
internal import CLinux

extension LUKSVolume {
    /// Makes sure, before any key is tried, that this is the volume that was meant, and that it encrypts.
    ///
    /// A forged disk learns nothing of a passphrase that is never tried on it. One with a copy of the true header into
    /// which a null cipher was put would be given in plain text whatever is written to it.
    ///
    /// - Parameter wanted: what the header must have, or `nil` where any will do.
    /// - Throws: `LUKSError.anotherVolume` or `plainText`.
    public borrowing func require(uuid wanted: String?) throws(LUKSError) {
        let uuid = self.uuid
        if let wanted, unsafe strcasecmp(uuid, wanted) != 0 {
            throw .anotherVolume(path: headerPath, uuid: uuid, wanted: wanted)
        }
        if leavesPlainText { throw .plainText(path: headerPath) }
    }

    /// Whether the data, or a key slot, has a null cipher or none.
    private var leavesPlainText: Bool {
        let all = encryptions
        return all.isEmpty || all.contains { $0.isNull }
    }
}

extension Encryption {
    /// To the kernel, what stands behind the first dash may be a part of the cipher's name: capi:ecb-cipher_null-plain.
    fileprivate var isNull: Bool {
        unsafe cipher.isEmpty || cipher == "null" || strstr(cipher, "cipher_null") != nil
    }
}
