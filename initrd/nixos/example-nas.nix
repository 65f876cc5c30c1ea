# A NAS with an encrypted root on ZFS, whose owner unlocks it with ssh: the machine of Daniel Underwood's "Building a
# NixOS-Based NAS" (2022) as one configuration around boot.initrd.postern.
#
# Written against nixpkgs 26.05, whose stage 1 is systemd: after its release notes, and after nixpkgs's modules as they
# were in the middle of 2025 and of 2026 (Tests/EndToEnd/Nix/example-stubs.nix names each file). The tests evaluate it over stubs
# of these options; it was never built, because there is no nixpkgs where they run. What is yours to change: the UUIDs,
# the addresses, hostId, the drivers, the public key, and the files below /etc/secrets/initrd and /run/agenix.
#
# What the article did by hand                      What does it here
# ------------------------------------------------  --------------------------------------------------------------------
# a FIFO at /tmp/continue, and `cryptsetup open`    boot.initrd.postern: one agent, which asks at ssh and at the
#   in /root/.profile for an initrd sshd to run       console, and opens all volumes
# boot.initrd.network.ssh with keys and port        authorizedKeys, hostKeys, and its port 2222 as the default
# postDeviceCommands: wait, `sleep 2`, mount the    keyFile = "PATH:UUID=...": the agent waits for the volume, mounts
#   key volume, copy its keys to /key, unmount it     it read-only out of sight, and reads the key into locked memory
# a function that makes luks.devices of UUIDs       `members`, the same with the key volume
# nothing: pools came up with what had opened       arrays: quorum and `any`; what is missing is waited for, and named
# boot.loader.grub.enableCryptodisk, zfsSupport     gone: the boot partition cannot be encrypted where ssh unlocks,
#                                                     and zfsSupport is set by the ZFS module
# smb.conf, and exports for Proxmox                 services.nas.shares (nas-shares.nix), as its end thoughts wish
# services.zfs.autoScrub, meant and not done        services.zfs.autoScrub
# a script that sends the pools' state to Discord   ZED tells Discord itself, when it happens
# node exporter with the zfs collector              the same, and the exporter that knows faulted disks
# restic with agenix                                services.restic.backups; agenix itself is a flake of its own
# a module of its own for PhotoPrism's container    the container alone: since 23.05 the module's name,
#                                                     services.photoprism, is that of nixpkgs's own, which needs none
#
# Still by hand: `ssh-keygen` for the initrd, `smbpasswd -a daniel`, and the pools. Theirs went like this; the article's
# `mountpoint=/` on a parent is what shadowed the installer's store, so here no dataset mounts itself:
#
#   cryptsetup luksFormat $ROOT_PART && cryptsetup open $ROOT_PART crypt-root
#   zpool create -O mountpoint=legacy -O xattr=sa -O acltype=posixacl -O compression=zstd -O relatime=on \
#     nixos-rpool /dev/mapper/crypt-root
#   zfs create -o refreservation=1G nixos-rpool/reserve       # room to delete with, when the pool is full
#   zfs create nixos-rpool/nixos && zfs create nixos-rpool/nixos/root && zfs create nixos-rpool/nixos/nix
#   zpool create -O mountpoint=legacy -O xattr=sa -O acltype=posixacl -O compression=zstd -O relatime=on \
#     storage raidz2 /dev/mapper/storage-{1,2,3,4,5,6}          # and media, mirror /dev/mapper/media-{1,2}
#   zfs create storage/data && zfs create media/media
#
# Warnings of the article                           How they are heeded
# ------------------------------------------------  --------------------------------------------------------------------
# the initrd has the host keys readable             keys of its own, never the system's; in the boot partition, which
#                                                     only root reads. Whoever has held the disk can still pose as this
#                                                     machine: neither ssh in an initrd nor a KVM changes that
# host key conflicts                                another port than sshd's
# Ctrl-C leads to a shell in the initrd             there is no shell (permitShell stays false)
# the key lies at /key until stage 1 ends           it is never a file outside its volume
# "doesn't seem to mount in time"                   nothing sleeps: a volume is opened when its device and key are there
# trial and error, saved by generations             what cannot work is an error of the evaluation, with a remedy; the
#                                                     console asks too, and older generations stay in the boot menu
# NFS is insecure by default                        no share without named clients, version 4 alone
# only low-level ZFS statistics are exported        zfs_pool_health: alert when it is not 0
# be notified when something goes wrong             ZED, also of a scrub that ended well: silence would prove nothing
# test that backups work                            each run reads back some of the repository; do try a restore
# a host should not be able to destroy its backups  the repository's server is append-only, and prunes by itself
# "supersecure" in a world-readable store           environmentFiles, outside the store
{
  config,
  lib,
  pkgs,
  ...
}:
let
  # --- disks ----------------------------------------------------------------------------------------------------------

  root = "8d103e45-0233-4756-899e-bf8892644790";
  # An ext4 with the key files, on a stick. It may as well lie in a LUKS volume: give that a line of its own in
  # luks.devices, and the passphrase of the root opens it too if it is the same. Unencrypted, it is as good as the key
  # for whoever carries away stick and disks.
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

  # Where agenix puts what it decrypts: these are strings, so that no secret comes into the store.
  secret = name: "/run/agenix/${name}";

  photoprism = 990;
  photos = [
    "/mnt/media/photos-original"
    "/mnt/media/photos-import"
    "/data/photoprism"
  ];
in
{
  imports = [
    ./module.nix
    ./nas-shares.nix
  ];

  system.stateVersion = "26.05";
  networking.hostName = "apollo";
  # ZFS knows by it whose pool it is: eight hexadecimal digits, different on each machine.
  networking.hostId = "8425e349";

  # --- unlocking ------------------------------------------------------------------------------------------------------

  boot.initrd.postern = {
    enable = true;
    # What initrd/build made, put beside this file; or `url` and `hash` of a release.
    package = pkgs.callPackage ./package.nix { file = ./postern; };
    authorizedKeys = config.users.users.daniel.openssh.authorizedKeys.keys;
    # ssh-keygen -q -t ed25519 -N "" -f /etc/secrets/initrd/ssh_host_ed25519_key
    hostKeys = [ "/etc/secrets/initrd/ssh_host_ed25519_key" ];
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

  boot.loader.systemd-boot = {
    enable = true;
    # Each generation has an initrd on the boot partition.
    configurationLimit = 10;
  };
  boot.loader.efi.canTouchEfiVariables = true;

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

  services.zfs = {
    autoScrub.enable = true;
    zed = {
      # There is no mail here to send with.
      enableMail = false;
      settings = {
        # Discord takes Slack's messages at the address of a webhook with "/slack" behind it. zed.rc is a shell script
        # that anybody may read, so the address, which is a password too, is read when something is to be told.
        ZED_SLACK_WEBHOOK_URL = "$(cat ${secret "zed-webhook"})";
        ZED_NOTIFY_VERBOSE = true;
        ZED_SCRUB_AFTER_RESILVER = true;
      };
    };
  };

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

  users.users.daniel = {
    isNormalUser = true;
    extraGroups = [ "wheel" ];
    openssh.authorizedKeys.keys = [
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFuCMlRGjLfLZESXP7e7hb6FKSvJFsg4g2Ar+lK9B5/U daniel@laptop"
    ];
  };

  services.openssh = {
    enable = true;
    settings = {
      PasswordAuthentication = false;
      KbdInteractiveAuthentication = false;
    };
  };

  # --- watching -------------------------------------------------------------------------------------------------------

  services.prometheus.exporters = {
    node = {
      enable = true;
      openFirewall = true;
      enabledCollectors = [ "zfs" ];
    };
    # zfs_pool_health: 0 is ONLINE, 1 DEGRADED, 2 FAULTED, and higher is no better.
    zfs = {
      enable = true;
      openFirewall = true;
    };
  };

  # --- backups --------------------------------------------------------------------------------------------------------

  services.restic.backups.offsite = {
    # `rest-server --append-only` there: this machine can add to its backups and cannot remove them. So it has no
    # pruneOpts; old snapshots are forgotten on the server.
    repository = "rest:https://backup.example.org/apollo/";
    passwordFile = secret "restic-password";
    # RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD.
    environmentFile = secret "restic-server";
    initialize = true;
    paths = [ config.services.nas.shares.photos.path ] ++ photos;
    # Reads back a part chosen at random, each night.
    checkOpts = [ "--read-data-subset=1G" ];
    timerConfig = {
      OnCalendar = "03:00";
      RandomizedDelaySec = "1h";
      Persistent = true;
    };
  };
  # Without it a missing pool would be backed up as empty folders.
  systemd.services.restic-backups-offsite.unitConfig.RequiresMountsFor =
    config.services.restic.backups.offsite.paths;

  # --- photos ---------------------------------------------------------------------------------------------------------

  users.groups.photoprism.gid = photoprism;
  users.users.photoprism = {
    isSystemUser = true;
    group = "photoprism";
    uid = photoprism;
  };

  virtualisation.oci-containers = {
    backend = "podman";
    containers.photoprism = {
      image = "docker.io/photoprism/photoprism:latest";
      # Only here: put a proxy that speaks TLS before it.
      ports = [ "127.0.0.1:2342:2342" ];
      user = "${toString photoprism}:${toString photoprism}";
      # PHOTOPRISM_ADMIN_PASSWORD.
      environmentFiles = [ (secret "photoprism") ];
      environment = {
        PHOTOPRISM_HTTP_COMPRESSION = "gzip";
        PHOTOPRISM_PUBLIC = "false";
        PHOTOPRISM_READONLY = "false";
        PHOTOPRISM_DISABLE_CHOWN = "true";
        PHOTOPRISM_DISABLE_WEBDAV = "true";
        PHOTOPRISM_DATABASE_DRIVER = "sqlite";
        PHOTOPRISM_FFMPEG_ENCODER = "intel";
      };
      devices = [ "/dev/dri:/dev/dri" ];
      volumes = [
        "/mnt/media/photos-original:/photoprism/originals"
        "/mnt/media/photos-import:/photoprism/import"
        "/data/photoprism:/photoprism/storage"
      ];
    };
  };
  systemd.services.podman-photoprism = {
    unitConfig.RequiresMountsFor = photos;
    preStart = "install -d -o photoprism -g photoprism -m 0750 ${toString photos}";
  };
}
