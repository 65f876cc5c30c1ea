internal import CCryptsetup
internal import CLinux

extension Volume {
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
    ///
    /// A disk that is being encrypted or decrypted in place is in part plain text, in segments of the type `linear`.
    /// libcryptsetup maps those only when a digest made with the volume keys vouches for the description of all of them
    /// (CVE-2021-4122), so nobody who does not know a passphrase can have written it.
    private var leavesPlainText: Bool {
        if !isBeingReencrypted, unsafe isNull(crypt_get_cipher(handle)) { return true }
        // To the kernel, what stands behind the first dash may be a part of the cipher's name: capi:ecb-cipher_null-plain.
        guard isLUKS2 else { return unsafe isNull(crypt_get_cipher_mode(handle)) }
        // All of the header, for a null cipher in a key slot or in a part that is still to be reencrypted.
        var header: UnsafePointer<CChar>?
        guard unsafe crypt_dump_json(handle, &header, 0) == 0, let header = unsafe header else { return true }
        if unsafe strstr(header, ":\"null\"") != nil { return true }
        return unsafe isNull(header)
    }

    /// Whether a null cipher is named in a text, or there is none where libcryptsetup has one for every cipher.
    private func isNull(_ text: UnsafePointer<CChar>?) -> Bool {
        guard let text = unsafe text else { return true }
        return unsafe strstr(text, "cipher_null") != nil
    }
}
