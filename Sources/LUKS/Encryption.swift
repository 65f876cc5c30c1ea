internal import CCryptsetup

/// What a part of the data, or a key slot, is encrypted with.
public struct Encryption: Equatable, Sendable {
    /// As dm-crypt and cryptsetup(8) call it, such as `aes-xts-plain64`; empty where there is none.
    public let cipher: String
    /// How the data is kept from being changed, such as `hmac(sha256)`; empty where it is not.
    public let integrity: String

    public init(cipher: String, integrity: String) {
        self.cipher = cipher
        self.integrity = integrity
    }
}

extension LUKSVolume {
    /// What the data and the key slots are encrypted with, some of it more than once; empty where that cannot be read.
    ///
    /// A disk that is being encrypted or decrypted in place is in part plain text, in segments of the type `linear`, which
    /// are left out. libcryptsetup maps those only when a digest made with the volume keys vouches for the description of
    /// all of them (CVE-2021-4122), so nobody who does not know a passphrase can have written it.
    public var encryptions: [Encryption] {
        guard isLUKS2 else {
            // LUKS1 has one cipher for all, in two fields.
            guard let cipher = unsafe crypt_get_cipher(handle), let mode = unsafe crypt_get_cipher_mode(handle) else {
                return []
            }
            return [Encryption(cipher: unsafe "\(String(cString: cipher))-\(String(cString: mode))", integrity: "")]
        }
        var text: UnsafePointer<CChar>?
        guard unsafe crypt_dump_json(handle, &text, 0) == 0, let header = unsafe json_tokener_parse(text) else {
            return []
        }
        defer { unsafe json_object_put(header) }
        var all: [Encryption] = []
        unsafe forEach(in: header, "segments") { segment in
            if isBeingReencrypted, unsafe string(segment, "type") == "linear" { return }
            all.append(
                Encryption(
                    cipher: unsafe string(segment, "encryption"),
                    integrity: unsafe string(member(segment, "integrity"), "type")))
        }
        unsafe forEach(in: header, "keyslots") { slot in
            // What describes a reencryption has no key.
            if unsafe string(slot, "type") == "reencrypt" { return }
            all.append(Encryption(cipher: unsafe string(member(slot, "area"), "encryption"), integrity: ""))
        }
        return all
    }
}

/// The object's member of that name, or `nil`, also of what is no object.
private func member(_ object: OpaquePointer?, _ name: String) -> OpaquePointer? {
    var value: OpaquePointer?
    guard unsafe json_object_object_get_ex(object, name, &value) != 0 else { return nil }
    return unsafe value
}

/// The object's text of that name, or nothing.
private func string(_ object: OpaquePointer?, _ name: String) -> String {
    let value = unsafe member(object, name)
    guard unsafe json_object_get_type(value) == json_type_string, let text = unsafe json_object_get_string(value) else {
        return ""
    }
    return unsafe String(cString: text)
}

/// Lends `body` each value of the object's member of that name, which is an object, too.
private func forEach(in object: OpaquePointer?, _ name: String, _ body: (OpaquePointer?) -> Void) {
    var entry = unsafe json_object_get_object(unsafe member(object, name))?.pointee.head
    while let next = unsafe entry {
        unsafe body(OpaquePointer(next.pointee.v))
        unsafe entry = next.pointee.next
    }
}
