import LUKS
import Testing

@testable import Image

/// What the kernel's crypto API is asked for, of the ciphers as dm-crypt names them.
@Suite struct CipherModulesTests {
    @Test(
        arguments: [
            ("aes-xts-plain64", "", "aes xts ecb"), ("serpent-xts-plain64", "", "serpent xts ecb"),
            ("twofish-cbc-essiv:sha256", "", "twofish cbc essiv sha256"), ("aes-lrw-benbi", "", "aes lrw ecb"),
            ("xchacha12,aes-adiantum-plain64", "", "xchacha12 aes adiantum nhpoly1305"),
            ("aes:64-cbc-lmk", "", "aes cbc"), ("capi:xts(aes)-plain64", "", "xts aes ecb"),
            ("capi:cbc(camellia)-essiv:wp512", "", "cbc camellia essiv wp512"),
            ("aes-xts-random", "hmac(sha256)", "authenc hmac sha256 aes xts dm_integrity ecb"),
            ("aes-cbc-random", "cmac(aes)", "authenc cmac aes cbc dm_integrity"),
            ("chacha20-random", "poly1305", "rfc7539 poly1305 chacha20 dm_integrity"),
            ("aes-gcm-random", "aead", "aes gcm dm_integrity ctr ghash"),
            ("aegis128-random", "aead", "aegis128 dm_integrity"),
            ("aes-xts-plain64", "none", "aes xts dm_integrity ecb"),
            ("", "", ""), ("---:,()", "", ""),
        ])
    func `a cipher takes its parts`(cipher: String, integrity: String, names: String) {
        let found = CipherModules.names([Encryption(cipher: cipher, integrity: integrity)])
        #expect(found.joined(separator: " ") == names)
    }

    @Test func `every name comes once and what a template takes is known`() {
        let all = ["aes-xts-plain64", "serpent-xts-plain64", "aes-cbc-essiv:sha256"].map {
            Encryption(cipher: $0, integrity: "")
        }
        let names = CipherModules.names(all)
        #expect(names == ["aes", "xts", "serpent", "cbc", "essiv", "sha256", "ecb"])
        #expect(names.filter { CipherModules.isImplied($0) } == ["ecb"])
    }
}
