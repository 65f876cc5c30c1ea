# The installed system "dracut" of Tests/Support/qemu/systems, as NixOS would have it. The test adds the owner's key.
{
  fileSystems."/" = {
    device = "/dev/mapper/crypt-root";
    fsType = "ext4";
  };
  boot.initrd.luks.devices = {
    crypt-root = {
      device = "/dev/disk/by-uuid/8d103e45-0233-4756-899e-bf8892644701";
      allowDiscards = true;
    };
    local = {
      device = "/dev/disk/by-uuid/8d103e45-0233-4756-899e-bf8892644704";
      keyFile = "/etc/keys/local";
    };
  };
  boot.initrd.postern = {
    enable = true;
    hostKeys = [ "/etc/secrets/initrd/ssh_host_ed25519_key" ];
    settings.Volume = "local leave";
  };
}
