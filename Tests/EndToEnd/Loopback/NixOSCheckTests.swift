import Foundation
import TestPeers
import Testing

/// `postern check` on a machine whose files of Postern lie in the image alone, as on NixOS.
@Suite struct NixOSCheckTests {
    /// Such a machine, with the agent of this build in the store of its image, which systemd-boot starts next.
    private let script = """
        mount -t tmpfs none /mnt
        mkdir -p /mnt/upper /mnt/work /mnt/tree
        mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work none /etc
        [ ! -d /sys/firmware/efi ] || mount -t tmpfs none /sys/firmware/efi
        mount -t tmpfs none /boot
        rm -rf /etc/postern
        touch /etc/NIXOS
        mkdir -p /boot/loader/entries /boot/EFI/systemd /boot/EFI/nixos
        touch /boot/EFI/systemd/systemd-bootx64.efi /boot/EFI/nixos/linux.efi
        echo 'default nixos-generation-1.conf' >/boot/loader/loader.conf
        printf '%s\\n' 'title NixOS' 'sort-key nixos' 'linux /EFI/nixos/linux.efi' 'initrd /EFI/nixos/initrd.efi' \\
            >/boot/loader/entries/nixos-generation-1.conf
        cd /mnt/tree
        mkdir -p nix/store/a-postern/bin nix/store/b-units nix/store/c-files nix/store/d-modules/lib/modules/6.12.1 etc/systemd
        mkdir -p etc/postern .initrd-secrets/etc/postern
        cp "${0%/*}/postern-initrd" nix/store/a-postern/bin/postern
        printf '[Service]\\nExecStart=/nix/store/a-postern/bin/postern agent\\n' >nix/store/b-units/postern.service
        ln -s /nix/store/b-units etc/systemd/system
        ln -s /nix/store/d-modules/lib lib
        printf '%s\\n' 'Port 2222' 'HostKey /etc/postern/host_key' 'AuthorizedKeysFile /etc/postern/authorized_keys' \\
            'Crypttab /etc/crypttab' 'Initrd systemd' >nix/store/c-files/postern.conf
        echo 'root /dev/disk/by-uuid/11111111-2222-3333-4444-555555555555 none luks' >nix/store/c-files/crypttab
        ssh-keygen -q -t ed25519 -N '' -f /mnt/key
        ssh-keygen -q -t ed25519 -N '' -f .initrd-secrets/etc/postern/host_key
        cp /mnt/key.pub nix/store/c-files/authorized_keys
        for file in postern.conf authorized_keys; do ln -s "/nix/store/c-files/$file" "etc/postern/$file"; done
        ln -s /nix/store/c-files/crypttab etc/crypttab
        find . ! -path './.initrd-secrets*' | cpio --quiet -o -H newc | zstd -q >/boot/EFI/nixos/initrd.efi
        find .initrd-secrets | cpio --quiet -o -H newc | zstd -q >>/boot/EFI/nixos/initrd.efi
        # On a busy machine a login may have no time.
        for try in 1 2 3 4 5; do
            status=0
            "$0" check --images -i /mnt/key >/mnt/out || status=$?
            ! grep -q '^proved: ' /mnt/out || break
        done
        cat /mnt/out
        echo "checked: $status"
        "$0" check --passphrase </dev/null || echo "refused: $?"
        """

    @Test(.enabled(if: geteuid() == 0, "it takes a mount"))
    func `the image's agent lets a key in, and what is not in the image is asked for by its file`() throws {
        let end = try run("unshare", ["--mount", "sh", "-euc", script, try Rehearsal.binary()], timeout: patience)
        let image = "/boot/EFI/nixos/initrd.efi: "
        #expect(end.out.contains("proved: \(image)ssh knew the host key of its agent and logged in"), "\(end)")
        // That image has no module, and nothing else is missing in it.
        let findings = end.out.split(separator: "\n").filter { $0.hasPrefix("/boot/") }
        #expect(findings.allSatisfy { $0.contains(" is not in the image, which ") }, "\(end)")
        #expect(end.out.contains("checked: 1\nrefused: 1\n"), "\(end)")
        #expect(end.err.contains("lies in the initrd alone; unpack that"), "\(end)")
    }
}
