# The seed's machine: an encrypted root, six disks of which five are enough, their key on a volume of its own.
{ lib, ... }:
let
  member = number: uuid: {
    name = "storage-${toString number}";
    value = {
      device = "/dev/disk/by-uuid/${uuid}";
      keyFile = "/etc/keyfile:UUID=953ef32c-e9cb-4049-bf33-56f9e2c84b55";
    };
  };
in
{
  fileSystems."/" = {
    device = "nixos-rpool/nixos/root";
    fsType = "zfs";
  };
  fileSystems."/srv" = {
    device = "storage/srv";
    fsType = "zfs";
  };
  boot.initrd.luks.devices = {
    crypt-root = {
      device = "/dev/disk/by-uuid/8d103e45-0233-4756-899e-bf8892644790";
      allowDiscards = true;
    };
  }
  // builtins.listToAttrs (
    lib.imap1 member [
      "71b8da53-53f5-4ca9-a45a-d1773471e355"
      "652e050c-c5c8-449a-99bf-e6cb6ca2650d"
      "962c0206-f221-4893-890e-2d89972953c2"
      "ef6fa6ee-9e14-47bb-ba75-4fad330cc18c"
      "59fa8dd6-b389-46e3-95c0-41be7db7e349"
      "b45e9b49-39fe-43d5-ab79-98a0f2be01ff"
    ]
  );
  boot.initrd.postern = {
    enable = true;
    authorizedKeys = [
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFuCMlRGjLfLZESXP7e7hb6FKSvJFsg4g2Ar+lK9B5/U daniel@laptop"
    ];
    hostKeys = [ "/etc/secrets/initrd/ssh_host_ed25519_key" ];
    arrays.storage = {
      policy = "quorum";
      quorum = 5;
      members = [ "storage-*" ];
    };
    settings.ContinueTimeout = 120;
  };
}
