# systemd stage 1: the unit of initrd/systemd/postern.service, and what `postern image` adds to the units of the volumes.
{
  config,
  lib,
  options,
  pkgs,
  utils,
  ...
}:

let
  cfg = config.boot.initrd.postern;
  files = import ./files.nix { inherit config lib options; };
  isOn = files.isOn && files.isSystemd;

  postern = "${cfg.package}/bin/postern";
  # ZFS asks for these datasets once their pool is imported, and that waits for the unit.
  stays = cfg.settings ? Dataset;
  chmod = "${pkgs.coreutils}/bin/chmod";

  # As systemd-escape(1) does with the characters that checks.nix lets through.
  escape =
    name:
    builtins.replaceStrings [ "-" "#" "+" "=" "@" ] [ "\\x2d" "\\x23" "\\x2b" "\\x3d" "\\x40" ] (
      if lib.hasPrefix "." name then "\\x2e${lib.removePrefix "." name}" else name
    );

  # NixOS's question waits for Postern, and finds the volume open. It asks where Postern failed, but not for what the boot
  # goes on without.
  dropIn =
    name: _:
    lib.nameValuePair "systemd-cryptsetup@${escape name}" {
      overrideStrategy = "asDropin";
      after = [ "postern.service" ];
      unitConfig.ConditionPathExists = "!/run/postern/skip/${name}";
    };

  # The pools that the initrd imports. Earlier they would be imported with disks missing, or not at all.
  pools = lib.unique (
    map (fileSystem: builtins.head (lib.splitString "/" fileSystem.device)) (
      builtins.filter (fileSystem: fileSystem.fsType == "zfs" && utils.fsNeededForBoot fileSystem) (
        builtins.attrValues config.fileSystems
      )
    )
  );
  importedLater =
    pool:
    lib.nameValuePair "zfs-import-${pool}" {
      wants = [ "postern.service" ];
      after = [ "postern.service" ];
    };

  # The devices of what the initrd mounts, which the boot cannot do without.
  mounted = map (fileSystem: fileSystem.device) (
    builtins.filter utils.fsNeededForBoot (builtins.attrValues config.fileSystems)
  );
  waited = builtins.filter (one: !lib.elem one.path mounted) (
    lib.concatLists (lib.mapAttrsToList files.waited config.boot.initrd.luks.devices)
  );

  # No device waits without limit that the boot can do without. The limit counts from Postern's end, for each of them may
  # lie in a volume that Postern opens.
  limited =
    path:
    let
      all = builtins.filter (one: one.path == path) waited;
    in
    lib.nameValuePair "${utils.escapeSystemdPath path}.device" {
      overrideStrategy = "asDropin";
      text = ''
        [Unit]
        After=postern.service
      ''
      + lib.optionalString (!lib.any (one: one.isLimited) all) ''
        JobRunningTimeoutSec=${toString (builtins.foldl' (long: one: if one.limit > long then one.limit else long) 0 all)}s
      '';
    };

  # A device may lie in a volume that waits for its owner, for days. NixOS has `settings` since 25.11; in the text of older
  # ones the last line holds, and that is the owner's.
  timeout =
    if options.boot.initrd.systemd ? settings then
      { settings.Manager.DefaultDeviceTimeoutSec = lib.mkDefault "infinity"; }
    else
      { extraConfig = lib.mkBefore "DefaultDeviceTimeoutSec=infinity\n"; };
in
{
  # Beside what luksroot.nix declares: a missing disk would keep systemd waiting for a member that the boot goes on without,
  # and a missing key volume for what was opened by passphrase.
  options.boot.initrd.luks.devices = lib.mkOption {
    type = lib.types.attrsOf (
      lib.types.submodule (
        { name, config, ... }:
        {
          config = lib.mkIf isOn (
            lib.mkMerge [
              # After three wrong passphrases systemd would give up the volume, and the boot with it. The owner's options come
              # later, and hold. What they say cannot matter here.
              (lib.mkIf (files.isNamedFallback name config) { crypttabExtraOpts = lib.mkBefore [ "tries=0" ]; })
              (lib.mkIf (files.isSpare name) { crypttabExtraOpts = [ "nofail" ]; })
              (lib.mkIf (files.waitsForKey name config && !lib.elem (files.keyDevice config) mounted) {
                keyFileTimeout = lib.mkDefault files.keyTimeout;
              })
            ]
          );
        }
      )
    );
  };

  config = lib.mkIf isOn {
    boot.initrd.systemd = timeout // {
      storePaths = [
        postern
        chmod
      ];

      units = builtins.listToAttrs (map limited (lib.unique (map (one: one.path) waited)));

      contents = {
        "/etc/postern/postern.conf".text = files.settings;
        "/etc/postern/authorized_keys".text = files.authorizedKeys;
      };

      services = lib.mkMerge [
        {
          postern = {
            description = "Postern: unlock encrypted volumes from afar";
            documentation = [ "man:postern(8)" ];
            wantedBy = [ "sysinit.target" ];
            wants = [ "systemd-udev-trigger.service" ];
            after = [
              "initrd-nixos-copy-secrets.service"
              "systemd-journald.socket"
              "systemd-modules-load.service"
              "systemd-udev-trigger.service"
            ];
            before = [
              "initrd-root-fs.target"
              "initrd.target"
              "initrd-cleanup.service"
              "shutdown.target"
              # These start as soon as a device of the right name is there, be it a stranger's logical volume that is called so.
              "sysroot.mount"
              "sysroot-usr.mount"
              "systemd-fsck-root.service"
              "systemd-hibernate-resume.service"
            ]
            ++ lib.optional stays "initrd-switch-root.target";
            conflicts = [
              "initrd-switch-root.target"
              "shutdown.target"
            ];
            unitConfig = {
              DefaultDependencies = false;
              ConditionPathExists = "/etc/initrd-release";
              ConditionKernelCommandLine = "!postern=off";
            };
            serviceConfig = {
              Type = if stays then "notify" else "oneshot";
              RemainAfterExit = true;
              ExecStart = "${postern} agent${lib.optionalString stays " --until-root"}";
              # What an agent that was killed could not take away. While a stranger's mapping has a volume's name it does not
              # end, and says so to systemd, which would end it otherwise.
              ExecStopPost = "-${postern} settle";
              NotifyAccess = "exec";
              TimeoutStartSec = "infinity";
              TimeoutStopSec = 30;
              # Its processes end with it; one that makes a mapping must not be killed at it.
              KillMode = "process";
              OOMPolicy = "continue";
              OOMScoreAdjust = -1000;
              LimitCORE = 0;
              StandardInput = "null";
              StandardOutput = "journal";
              StandardError = "journal";
            }
            // lib.optionalAttrs (files.hostKeyFiles != [ ]) {
              # What comes from the store can be read by every service of the initrd.
              ExecStartPre = "-${chmod} 0600 ${lib.concatStringsSep " " files.hostKeyFiles}";
            };
          };
        }
        (lib.mapAttrs' dropIn files.ours)
        (builtins.listToAttrs (map importedLater pools))
      ];
    };
  };
}
