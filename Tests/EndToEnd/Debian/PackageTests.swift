import Foundation
import Machine
import Testing

extension DebianTests {
    /// The package in an installed Debian: nothing is asked, nothing is left, and no image fails to build for it.
    @Suite struct InstallTests {
        private let layer = FileManager.default.temporaryDirectory.appending(path: "postern-layer-\(UUID().uuidString)")
        private let deb: String

        init() throws {
            deb = try #require(ProcessInfo.processInfo.environment["POSTERN_DEB"])
        }

        /// Runs a script in the system, as root, with the package at /root/postern.deb.
        private func inside(_ suite: Suite, _ script: String) async throws -> Outcome {
            let tree = try await suite.folder() + "/tree"
            let bring = """
                mkdir -p "$0/upper/root" && cp "$1" "$0/upper/root/postern.deb" && shift && exec "$@"
                """
            return try await runProgram(
                ["sh", "-c", bring, layer.path, deb, Disks.script("inside"), "--over", layer.path, tree]
                    + ["sh", "-euc", script + " 2>&1"], within: .seconds(3600))
        }

        private static let apt = "DEBIAN_FRONTEND=noninteractive apt-get -o APT::Sandbox::User=root"

        @Test(arguments: Suite.tested)
        func `it is installed without a question, cannot break an image, and is purged without a trace`(suite: Suite)
            async throws
        {
            defer { try? FileManager.default.removeItem(at: layer) }
            let before = try await inside(suite, "{ find /etc /usr /boot | sort >/root/before; }")
            #expect(before.status == 0, "\(before)")

            let installed = try await inside(suite, "{ \(Self.apt) install -y /root/postern.deb; }")
            #expect(installed.status == 0, "\(installed)")
            #expect(installed.output.contains("the initrd's host key: 256 SHA256:"), "\(installed)")
            #expect(installed.output.contains("the initrd's host key: 3072 SHA256:"), "\(installed)")
            let last = installed.output.split(separator: "\n").suffix(2).joined(separator: "\n")
            #expect(last.contains("put a key into /etc/postern/authorized_keys"), "\(installed)")

            let state = try await inside(
                suite,
                """
                { dpkg --audit; stat -c '%a %n' /etc/postern/* /boot/initrd.img-*
                lsinitramfs /boot/initrd.img-* | grep sbin/postern || echo 'no agent in the image'; }
                """)
            for line in [
                "600 /etc/postern/authorized_keys", "600 /etc/postern/ssh_host_ed25519_key",
                "600 /etc/postern/ssh_host_rsa_key", "no agent in the image",
            ] {
                #expect(state.output.contains(line), "\(line): \(state)")
            }

            let rubbish = try await inside(
                suite,
                """
                { head -c 20000 /dev/urandom >/etc/postern/postern.conf; rm /etc/postern/ssh_host_*; mkfifo \
                /etc/postern/ssh_host_rsa_key; update-initramfs -u; echo "built with $?"; \
                rm /etc/postern/ssh_host_rsa_key; }
                """)
            #expect(rubbish.output.contains("built with 0"), "\(rubbish)")

            let purged = try await inside(
                suite,
                """
                { \(Self.apt) purge -y postern; dpkg --audit
                find /etc /usr /boot | sort >/root/after
                diff /root/before /root/after; ls /etc/postern 2>/dev/null || echo 'all is gone'; }
                """)
            #expect(purged.status == 0, "\(purged)")
            #expect(purged.output.hasSuffix("all is gone\n"), "\(purged)")
        }

        @Test(arguments: Suite.tested)
        func `the image has what the agent needs, is root's alone, and a key file stays out of it`(suite: Suite)
            async throws
        {
            defer { try? FileManager.default.removeItem(at: layer) }
            let built = try await inside(
                suite,
                """
                { ssh-keygen -q -t ed25519 -N '' -f /root/id
                echo 'crypt-root UUID=8d103e45-0233-4756-899e-bf8892644701 /etc/keys/root luks,initramfs' >/etc/crypttab
                echo '/dev/mapper/crypt-root / ext4 defaults 0 1' >/etc/fstab
                mkdir -p /etc/keys && echo key >/etc/keys/root
                \(Self.apt) install -y /root/postern.deb
                cat /root/id.pub >>/etc/postern/authorized_keys
                update-initramfs -u; stat -c '%a %n' /boot/initrd.img-*
                mkdir /root/image && unmkinitramfs /boot/initrd.img-* /root/image
                cd /root/image; [ ! -d main ] || cd main
                find . -name 'dm-crypt.ko*' -o -name 'virtio_net.ko*' -o -name 'efivarfs.ko*' \
                    -o -path '*postern*' -o -path '*etc/keys*'
                sed 's/^/crypttab: /' etc/postern/crypttab; }
                """)
            #expect(built.status == 0, "\(built)")
            for line in [
                "600 /boot/initrd.img-", "./usr/sbin/postern\n", "./scripts/local-top/postern\n",
                "./scripts/init-bottom/postern\n", "./etc/postern/ssh_host_ed25519_key\n", "dm-crypt.ko",
                "virtio_net.ko", "efivarfs.ko",
                "crypttab: crypt-root UUID=8d103e45-0233-4756-899e-bf8892644701 none luks,initramfs\n",
                "/etc/crypttab:1: the key file /etc/keys/root of crypt-root is not in the image",
            ] {
                #expect(built.output.contains(line), "\(line): \(built)")
            }
            #expect(!built.output.contains("./etc/keys/root"), "\(built)")
        }
    }
}
