# The options of NixOS that the module reads and writes, declared anew for tests, with the assertions that NixOS has on
# them. Written after these files of nixpkgs, of which each part names its own, as they were
#   [1] at the commits 0080a812 and 001dade9 (2024 to 2025), and
#   [2] in June 2026, on the way to 26.11: qweered/nixpkgs at cf08dd69.
# `version` is that of NixOS: 24.05, 25.11, 26.05, or 26.11, whose notes announce that scripted stage 1 is gone.
{
  config,
  lib,
  utils,
  version,
  ...
}:

let
  inherit (lib) mkOption types;
  option =
    type: default:
    mkOption {
      inherit type default;
    };
  lines = option types.lines "";
  list = type: option (types.listOf type) [ ];
  flag = option types.bool false;
  strings = list types.str;
  maybe = type: option (types.nullOr type) null;

  initrd = config.boot.initrd;
  luks = initrd.luks;
  isSince = other: builtins.compareVersions version other >= 0;

  # nixos/lib/systemd-unit-options.nix and systemd-types.nix [1]: of a unit of stage 1, what is used here.
  unit = types.submodule {
    options = {
      overrideStrategy = option (types.enum [ "asDropinIfExists" "asDropin" ]) "asDropinIfExists";
      description = option types.str "";
      documentation = strings;
      wantedBy = strings;
      requiredBy = strings;
      wants = strings;
      requires = strings;
      after = strings;
      before = strings;
      conflicts = strings;
      unitConfig = option (types.attrsOf types.anything) { };
      serviceConfig = option (types.attrsOf types.anything) { };
      script = lines;
    };
  };
in
{
  imports = lib.optional (!isSince "26.11") ./stubs-scripted.nix;

  options = {
    # nixos/modules/misc/assertions.nix [1]
    assertions = list types.unspecified;
    warnings = strings;

    # nixos/modules/config/system-path.nix [1]
    environment.systemPackages = list types.unspecified;

    # nixos/modules/config/users-groups.nix and services/networking/ssh/sshd.nix [1]
    users.users.root.openssh.authorizedKeys = {
      keys = list types.singleLineStr;
      keyFiles = list types.path;
    };
    services.openssh = {
      enable = flag;
      hostKeys = option (types.listOf (types.attrsOf types.anything)) [
        { path = "/etc/ssh/ssh_host_rsa_key"; }
        { path = "/etc/ssh/ssh_host_ed25519_key"; }
      ];
    };

    # nixos/modules/tasks/network-interfaces.nix [1]
    networking.useDHCP = option types.bool true;
    networking.interfaces = option (types.attrsOf (types.submodule { options.useDHCP = maybe types.bool; })) { };

    # nixos/modules/tasks/filesystems.nix [1]
    fileSystems = option (types.attrsOf (
      types.submodule (
        { name, ... }:
        {
          options = {
            mountPoint = option types.str name;
            device = maybe types.str;
            fsType = option types.str "auto";
            neededForBoot = flag;
          };
        }
      )
    )) { };

    boot.kernelParams = strings;
    # nixos/modules/system/boot/loader/loader.nix and stage-1.nix [1]
    boot.loader.supportsInitrdSecrets = option types.bool true;
    boot.initrd = {
      secrets = option (types.attrsOf (types.nullOr types.path)) { };
      availableKernelModules = strings;

      # nixos/modules/system/boot/initrd-network.nix and initrd-ssh.nix [1]
      network.enable = flag;
      network.ssh.enable = flag;
      network.ssh.port = option types.port 22;

      # nixos/modules/system/boot/clevis.nix [1]
      clevis.enable = flag;
      clevis.devices = option (types.attrsOf types.anything) { };

      # nixos/modules/system/boot/luksroot.nix [1]
      luks = {
        devices = option (types.attrsOf (
          types.submodule (
            { name, ... }:
            {
              options = {
                name = option types.str name;
                device = mkOption { type = types.str; };
                header = maybe types.str;
                keyFile = maybe types.str;
                keyFileTimeout = maybe types.int;
                keyFileSize = maybe types.int;
                keyFileOffset = maybe types.int;
                tryEmptyPassphrase = flag;
                allowDiscards = flag;
                bypassWorkqueues = flag;
                crypttabExtraOpts = list types.singleLineStr;
              };
            }
          )
        )) { };
      };

      # nixos/modules/system/boot/systemd/initrd.nix [2]; until 26.05 the default was false. `settings` came with 25.11,
      # in place of extraConfig.
      systemd = {
        enable = option types.bool (isSince "26.05");
        root = option (types.nullOr (types.enum [ "fstab" "gpt-auto" ])) "fstab";
        storePaths = list types.path;
        extraBin = option (types.attrsOf types.path) { };
        contents = option (types.attrsOf (
          types.submodule {
            options.text = maybe types.lines;
            options.source = maybe types.path;
          }
        )) { };
        services = option (types.attrsOf unit) { };
        # nixos/lib/systemd-unit-options.nix [1]
        units = option (types.attrsOf (
          types.submodule {
            options.overrideStrategy = option (types.enum [ "asDropinIfExists" "asDropin" ]) "asDropinIfExists";
            options.text = maybe types.str;
          }
        )) { };
        # nixos/modules/system/boot/networkd.nix [1]
        network.enable = option types.bool initrd.network.enable;
        network.networks = option (types.attrsOf types.anything) { };
      }
      // (
        if isSince "25.11" then
          { settings.Manager = option (types.attrsOf types.anything) { }; }
        else
          { extraConfig = lines; }
      );
    };
  };

  config = lib.mkMerge [
    # nixos/modules/system/boot/stage-1.nix [2]
    {
      assertions = [
        {
          assertion =
            config.boot.loader.supportsInitrdSecrets
            || builtins.all (
              source: builtins.isPath source || lib.hasPrefix builtins.storeDir (toString source)
            ) (builtins.attrValues initrd.secrets);
          message = "NixOS: boot.initrd.secrets values must be paths";
        }
      ];
    }
    # The crypttab of nixos/modules/system/boot/luksroot.nix [1], and nixos/modules/system/boot/systemd/initrd-secrets.nix [1],
    # whose script is not here.
    (lib.mkIf initrd.systemd.enable {
      boot.initrd.systemd.contents."/etc/crypttab".text = lib.concatStrings (
        lib.mapAttrsToList (
          name: volume:
          let
            words =
              volume.crypttabExtraOpts
              ++ lib.optional volume.allowDiscards "discard"
              ++ lib.optionals volume.bypassWorkqueues [ "no-read-workqueue" "no-write-workqueue" ]
              ++ lib.optional (volume.header != null) "header=${volume.header}"
              ++ lib.optional (volume.keyFileOffset != null) "keyfile-offset=${toString volume.keyFileOffset}"
              ++ lib.optional (volume.keyFileSize != null) "keyfile-size=${toString volume.keyFileSize}"
              ++ lib.optional (volume.keyFileTimeout != null) "keyfile-timeout=${toString volume.keyFileTimeout}s"
              ++ lib.optional volume.tryEmptyPassphrase "try-empty-password=true";
            key = if volume.keyFile == null then "-" else volume.keyFile;
          in
          "${name} ${volume.device} ${key} ${lib.concatStringsSep "," words}\n"
        ) luks.devices
      );
    })
  ];
}
