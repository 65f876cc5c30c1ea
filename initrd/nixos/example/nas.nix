# A NAS whose owner unlocks its encrypted root with ssh: the machine of Daniel Underwood's "Building a NixOS-Based NAS"
# (2022) as one configuration around boot.initrd.postern. Its shares are those of nas-shares.nix.
#
# For NixOS 24.11 and later. The tests evaluate it over declarations of NixOS's options that we wrote
# (Tests/EndToEnd/Nix/example-stubs.nix names nixpkgs' file of each); it was never built. What is yours to change: the
# UUIDs, the addresses, hostId, the drivers, the public key, and the files below /etc/secrets/initrd and /run/agenix.
#
# What the article did by hand                      What does it here
# ------------------------------------------------  --------------------------------------------------------------------
# a FIFO at /tmp/continue, and `cryptsetup open`    boot.initrd.postern: one agent, which asks at ssh and at the
#   in /root/.profile for an initrd sshd to run       console, and opens all volumes
# postDeviceCommands: wait, `sleep 2`, mount the    keyFile = "PATH:UUID=...": the agent waits for the volume, mounts
#   key volume, copy its keys to /key, unmount it     it read-only out of sight, and reads the key into locked memory
# a function that makes luks.devices of UUIDs       `members`, the same with the key volume
# nothing: pools came up with what had opened       arrays: what is missing is waited for, and named
# smb.conf, and exports for Proxmox                 services.nas.shares, as its end thoughts wish
# a script that sends the pools' state to Discord   of the boot settings.Notify tells, of the pools ZED
# statistics of ZFS without faulted disks           zfs_pool_health, and postern.prom of the last boot
{
  config,
  lib,
  pkgs,
  ...
}:
let
  root = "8d103e45-0233-4756-899e-bf8892644790";
  # An ext4 with the key files, on a stick. Whoever carries away stick and disks has the data, unless it lies in a LUKS
  # volume, which has a line of its own in luks.devices then.
  keyVolume = "UUID=953ef32c-e9cb-4049-bf33-56f9e2c84b55";
  storage = [
    "71b8da53-53f5-4ca9-a45a-d1773471e355"
    "652e050c-c5c8-449a-99bf-e6cb6ca2650d"
    "962c0206-f221-4893-890e-2d89972953c2"
    "ef6fa6ee-9e14-47bb-ba75-4fad330cc18c"
    "59fa8dd6-b389-46e3-95c0-41be7db7e349"
    "b45e9b49-39fe-43d5-ab79-98a0f2be01ff"
  ];
  media = [
    "0c1bfa5e-6f5c-4d8e-9d6f-0f6f3c0a7b11"
    "d2a90e64-1f7b-4c52-8a3e-64b1f0c9ee22"
  ];

  # storage-1, storage-2, ... of a list of UUIDs, each opened by a file on the key volume.
  members =
    array: key: uuids:
    builtins.listToAttrs (
      lib.imap1 (
        number: uuid:
        lib.nameValuePair "${array}-${toString number}" {
          device = "/dev/disk/by-uuid/${uuid}";
          keyFile = "${key}:${keyVolume}";
        }
      ) uuids
    );

  # A dataset that the machine comes up without: with `nofail` a dead pool leaves a NAS that can be reached and mended,
  # instead of an emergency shell at a console nobody sits at. What needs the data waits for it by RequiresMountsFor.
  dataset = device: {
    inherit device;
    fsType = "zfs";
    options = [ "nofail" ];
  };

  # What the textfile collector of the node exporter reads.
  figures = "/var/lib/node-exporter-textfile";
in
{
  imports = [
    ../module.nix
    ./nas-shares.nix
  ];

  networking.hostName = "apollo";
  # ZFS knows by it whose pool it is: eight hexadecimal digits, different on each machine.
  networking.hostId = "8425e349";
  system.stateVersion = "26.05";

  # --- unlocking ------------------------------------------------------------------------------------------------------

  boot.initrd.systemd.enable = true;
  boot.initrd.postern = {
    enable = true;
    # What initrd/build made, put beside module.nix.
    package = pkgs.callPackage ../package.nix { file = ../postern; };
    authorizedKeys = config.users.users.daniel.openssh.authorizedKeys.keys;
    # ssh-keygen -q -t ed25519 -N "" -f /etc/secrets/initrd/ssh_host_ed25519_key
    hostKeys = [ "/etc/secrets/initrd/ssh_host_ed25519_key" ];
    # "apollo waits to be unlocked", who opened it, and without which disk the boot goes on. This lies in the store, where
    # everybody on the machine can read it, so it is no webhook: whoever has the URL of one can post there.
    settings.Notify = "ntfy https://ntfy.example.org/apollo";
    arrays = {
      # raidz2 would do with four. Five, because a boot that nobody watches should keep a disk in hand.
      storage = {
        policy = "quorum";
        quorum = 5;
        members = [ "storage-*" ];
      };
      media = {
        policy = "any";
        members = [ "media-*" ];
      };
    };
  };

  boot.initrd.luks.devices = {
    crypt-root = {
      device = "/dev/disk/by-uuid/${root}";
      # The pool's trims reach the disk; who sees the disk sees how much of it is used.
      allowDiscards = true;
    };
  }
  // members "storage" "/etc/keyfile" storage
  // members "media" "/etc/apollo.kf" media;

  # Stage 1 drives only what is named here: disks, the stick, and the network card. `lspci -k` and
  # nixos-generate-config name them; without the card's driver nobody can reach the prompt.
  boot.initrd.availableKernelModules = [
    "ahci"
    "nvme"
    "sd_mod"
    "usb_storage"
    "xhci_pci"
    "igc"
  ];

  boot.loader.systemd-boot.enable = true;

  # --- file systems ---------------------------------------------------------------------------------------------------

  fileSystems = {
    "/" = {
      device = "nixos-rpool/nixos/root";
      fsType = "zfs";
    };
    "/nix" = {
      device = "nixos-rpool/nixos/nix";
      fsType = "zfs";
    };
    "/boot" = {
      device = "/dev/disk/by-uuid/5E7C-11AF";
      fsType = "vfat";
      # The initrds in there hold the host keys.
      options = [ "umask=0077" ];
    };
    "/data" = dataset "storage/data";
    "/mnt/media" = dataset "media/media";
  };

  # Pools are this machine's by hostId; forcing would take one that another machine has in use.
  boot.zfs.forceImportRoot = false;

  # --- sharing --------------------------------------------------------------------------------------------------------

  services.nas = {
    enable = true;
    users = [ "daniel" ];
    # The Proxmox servers.
    nfs.clients = [
      "192.0.2.20"
      "192.0.2.21"
    ];
    shares = {
      photos = {
        path = "/data/photos";
        nfs.enable = false;
      };
      isos = {
        path = "/data/isos";
        nfs.readonly = true;
      };
    };
  };

  # Samba has passwords of its own: `smbpasswd -a daniel`, once.
  users.users.daniel = {
    isNormalUser = true;
    extraGroups = [ "wheel" ];
    openssh.authorizedKeys.keys = [
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFuCMlRGjLfLZESXP7e7hb6FKSvJFsg4g2Ar+lK9B5/U daniel@laptop"
    ];
  };

  # --- watching -------------------------------------------------------------------------------------------------------

  services.zfs = {
    autoScrub.enable = true;
    zed = {
      # There is no mail here to send with.
      enableMail = false;
      settings = {
        # Discord takes Slack's messages at the address of a webhook with "/slack" behind it. zed.rc is a shell script
        # that anybody may read, so the address, which is a password too, is read when something is to be told: agenix
        # puts it there.
        ZED_SLACK_WEBHOOK_URL = "$(cat /run/agenix/zed-webhook)";
        # A scrub that ended well is told, too: silence would prove nothing.
        ZED_NOTIFY_VERBOSE = true;
      };
    };
  };

  services.prometheus.exporters = {
    node = {
      enable = true;
      openFirewall = true;
      enabledCollectors = [ "zfs" ];
      extraFlags = [ "--collector.textfile.directory=${figures}" ];
    };
    # zfs_pool_health: 0 is ONLINE, 1 DEGRADED, 2 FAULTED, and higher is no better.
    zfs = {
      enable = true;
      openFirewall = true;
    };
  };
  # The last boot's figures: how long it waited, wrong passphrases, postern_array_members_missing.
  systemd.tmpfiles.rules = [
    "d ${figures} 0755 root root -"
    "L+ ${figures}/postern.prom - - - - /run/postern/postern.prom"
  ];
}
