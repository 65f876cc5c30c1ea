# The same machine in scripted stage 1, which knows no quorum.
{ lib, ... }:
{
  boot.initrd.systemd.enable = false;
  boot.initrd.luks.devices = lib.genAttrs (map (number: "storage-${toString number}") [ 1 2 3 4 5 6 ]) (_: {
    preLVM = false;
    fallbackToPassword = true;
  });
  boot.initrd.postern.arrays.storage = {
    policy = lib.mkForce "all";
    quorum = lib.mkForce null;
  };
}
