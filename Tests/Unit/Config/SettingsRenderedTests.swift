import Config
import Testing

@Suite struct SettingsRenderedTests {
    @Test func `the defaults read like sshd_config`() {
        #expect(
            Settings().rendered == """
                Port 2222
                #ListenAddress [::]
                #HostKey /etc/postern/ssh_host_ed25519_key
                #HostKey /etc/postern/ssh_host_rsa_key
                FallbackHostKey /etc/postern/ssh_host_fallback_key
                AuthorizedKeysFile /etc/postern/authorized_keys
                LoginGraceTime 120
                MaxAuthTries 20
                MaxStartups 10:30:100
                UnusedConnectionTimeout 600
                #KexAlgorithms mlkem768x25519-sha256,sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,\
                curve25519-sha256,curve25519-sha256@libssh.org,diffie-hellman-group14-sha256
                #Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,\
                aes128-ctr
                #MACs hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512
                Crypttab /etc/crypttab
                Console yes
                PermitShell no
                ContinueTimeout 60

                """)
    }

    @Test(
        arguments: [
            "",
            "Port 1\nPort 2\nListenAddress ::1\nListenAddress 192.0.2.7:9\nMaxStartups 3",
            "HostKey \"/a b\"\nHostKey '/a\"b'\nHostKey \"/a\\\\b\"\nHostKey \"/#\"\nHostKey /a\\'b",
            "HostKey /a.sealed\nFallbackHostKey \"/a b\"", "FallbackHostKey none",
            "AuthorizedKeysFile /etc/postern/authorized_keys \"/x y\"",
            "Ciphers -aes*\nMACs ^hmac-sha2-512\nKexAlgorithms ecdh-sha2-nistp256",
            "UnusedConnectionTimeout 1h\nImageTime 1764000000",
            "Console no\nPermitShell yes\nContinueTimeout 2m\nInitrd Initramfs-Tools",
            "Console /dev/ttyS0 /dev/tty1",
            "Volume a take\nVolume \"b c\" leave\nVolume #d take\nVolume \"#d\" fallback",
            "Dataset rpool/ROOT\nDataset \"tank/a b\"\nDataset tank",
            "Array s quorum=2 a*\nArray t all b c\nArray u any \"d e\"",
        ])
    func `what is rendered reads back as itself, without a finding`(text: String) {
        let first = settings(text).settings
        let (second, findings) = settings(first.rendered)
        #expect(second == first)
        #expect(findings.isEmpty)
    }
}
