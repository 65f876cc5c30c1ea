import Foundation
import TestPeers
import Testing
import Wire

/// What a session that a stranger has taken over gets out of its signer.
extension SessionTests {
    @Suite(.serialized) struct SignerTests {
        private static let first = [UInt8](repeating: 1, count: 32)
        private static let second = [UInt8](repeating: 2, count: 64)
        private let folder: TemporaryFolder
        private let host: [KeyPair]
        private let key: KeyPair

        init() throws {
            folder = try TemporaryFolder()
            host = [try KeyPair(folder, "host"), try KeyPair(folder, "host-rsa", type: "rsa", bits: 2048)]
            key = try KeyPair(folder, "key")
        }

        private func signer(_ keys: [UsableKey]? = nil, maxAuthTries: UInt32 = 20) throws -> AskedSigner {
            try AskedSigner(hostKeys: host, keys: keys ?? [key.usable(index: 7)], maxAuthTries: maxAuthTries)
        }

        @Test func itTellsPublicHalvesAlone() throws {
            #expect(try signer().publicKeys == host.map { $0.blob })
        }

        @Test func beforeTheLoginItSignsOneHash() throws {
            let signer = try signer()
            #expect(try signer.sign(SignerTests.first, with: host[0].blob).count > 64)
            #expect(try signer.sign(SignerTests.second, with: host[0].blob) == [0])
            #expect(try signer.sign(SignerTests.first, with: host[1].blob, digest: 4) == [0])
        }

        @Test(
            "what is no hash of a key exchange is not signed",
            arguments: [0, 1, 20, 31, 33, 47, 49, 63, 65, 100, 4000])
        func signsHashesAlone(length: Int) throws {
            let signer = try signer()
            #expect(try signer.sign([UInt8](repeating: 1, count: length), with: host[0].blob) == [0])
            #expect(try signer.sign(SignerTests.first, with: host[0].blob).count > 64)
        }

        @Test func itSignsWithItsOwnKeysAndWithoutSHA1() throws {
            for (blob, digest) in [(key.blob, 0), ([], 0), (host[1].blob, 1), (host[0].blob, 4)] as [([UInt8], UInt8)] {
                #expect(try signer().sign(SignerTests.first, with: blob, digest: digest) == [0])
            }
            #expect(try signer().sign(SignerTests.first, with: host[1].blob, digest: 4).count > 256)
        }

        @Test func whoSignedForThisSessionLogsInOnceAndRekeys() throws {
            let signer = try signer()
            _ = try signer.sign(SignerTests.first, with: host[0].blob)
            let data = signed()
            let signature = try sign(data)
            #expect(signer.login() == nil)
            #expect(try signer.verify(signature, over: data))
            let login = try #require(signer.login())
            #expect(login == (7, "root"))
            #expect(try !signer.verify(signature, over: data))
            #expect(signer.login() == nil)
            for hash in [SignerTests.second, SignerTests.first] {
                #expect(try signer.sign(hash, with: host[0].blob).count > 64)
            }
        }

        @Test func nobodyLogsInBeforeAKeyExchangeOrWithASignatureForAnotherSession() throws {
            let signer = try signer()
            let signature = try sign(signed())
            #expect(try !signer.verify(signature, over: signed()))
            #expect(try !signer.verify(try sign(signed(session: [])), over: signed(session: [])))
            _ = try signer.sign(SignerTests.second, with: host[0].blob)
            #expect(try !signer.verify(signature, over: signed()))
            #expect(signer.login() == nil)
        }

        @Test func aKeyThatDidNotSignCannotBeClaimed() throws {
            let signer = try signer()
            _ = try signer.sign(SignerTests.first, with: host[0].blob)
            let stranger = try KeyPair(folder, "stranger")
            // The stranger's signature, for the authorized key and for the stranger's own.
            #expect(try !signer.verify(try sign(signed(), by: stranger), over: signed()))
            let own = signed(blob: stranger.blob)
            #expect(try !signer.verify(try sign(own, by: stranger), over: own))
            #expect(signer.login() == nil)
            // A signature that is right, over anything but such a request.
            for data in [
                signed(service: "ssh-userauth"), signed(method: "hostbased"), signed(type: 51), signed(isSigned: 0),
                signed(algorithm: "ssh-ed25519-cert-v01@openssh.com"), signed() + [0], Array(signed().dropLast()),
            ] {
                #expect(try !signer.verify(try sign(data), over: data))
            }
            let bound = "publickey-hostbound-v00@openssh.com"
            let elsewhere = signed(method: bound, tail: string(host[1].blob))
            #expect(try !signer.verify(try sign(elsewhere), over: elsewhere))
            let here = signed(method: bound, tail: string(host[0].blob))
            #expect(try signer.verify(try sign(here), over: here))
        }

        @Test func aKeyWithARefusalIsRefusedHereToo() throws {
            let signer = try AskedSigner(
                hostKeys: host, keys: [key.usable(rule: 0)], refusals: ["its expiry-time= has passed"])
            _ = try signer.sign(SignerTests.first, with: host[0].blob)
            #expect(try !signer.verify(try sign(signed()), over: signed()))
        }

        @Test func itCountsTheTries() throws {
            let signer = try signer(maxAuthTries: 2)
            _ = try signer.sign(SignerTests.first, with: host[0].blob)
            let wrong = try sign(signed(user: "other"))
            for _ in 0..<2 { #expect(try !signer.verify(wrong, over: signed())) }
            #expect(try !signer.verify(try sign(signed()), over: signed()))
        }

        @Test func nonsenseIsRefused() throws {
            let signer = try signer()
            let other = [9, 0] + string("") + string("")
            for question in [[0], [1], other, [1, 0, 255, 255, 255, 255], [2, 0, 0, 0, 0, 0]] {
                #expect(try signer.ask(question) == [0])
            }
            #expect(throws: PeerError.self) { try signer.ask([UInt8](repeating: 1, count: 70_000)) }
        }

        /// What a client signs (RFC 4252, section 7).
        private func signed(
            session: [UInt8] = first, type: UInt8 = 50, user: String = "root", service: String = "ssh-connection",
            method: String = "publickey", isSigned: UInt8 = 1, algorithm: String = "ssh-ed25519",
            blob: [UInt8]? = nil, tail: [UInt8] = []
        ) -> [UInt8] {
            string(session) + [type] + string(user) + string(service) + string(method) + [isSigned]
                + string(algorithm) + string(blob ?? key.blob) + tail
        }

        private func sign(_ data: [UInt8], by signer: KeyPair? = nil) throws -> [UInt8] {
            let made = try run(
                "/usr/bin/python3",
                [
                    "-c",
                    """
                    import base64, paramiko, sys
                    key = paramiko.Ed25519Key.from_private_key_file(sys.argv[1])
                    signature = key.sign_ssh_data(base64.b64decode(sys.argv[2]))
                    print(base64.b64encode(signature.asbytes()).decode())
                    """, (signer ?? key).path, Data(data).base64EncodedString(),
                ])
            guard made.status == 0 else { throw PeerError.tool("\(made)") }
            return Array(Data(base64Encoded: made.out.trimmingCharacters(in: .newlines)) ?? Data())
        }
    }
}
