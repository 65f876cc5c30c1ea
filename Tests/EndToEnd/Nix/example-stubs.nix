# The options of nixpkgs that only the example uses, nas.nix with nas-shares.nix, as a module.
#
# An option that is not declared here or in stubs.nix fails the evaluation, as it does in nixpkgs. Each stub names the
# file below nixos/ it was written after. The versions: [a] faukah/nixpkgs 3b20077cd82f, of mid 2025, before 25.11; [b]
# qweered/nixpkgs 1aec592130f9, of mid 2026, between 26.05 and 26.11; [r] the release notes of 26.05, yayayayaka/nixpkgs
# 4faae0e60ff2. The text is ours: names, types, and the defaults and assertions that matter here.
{
  config,
  lib,
  ...
}:
let
  inherit (lib) mkOption types;
  option = type: default: mkOption { inherit type default; };
  required = type: mkOption { inherit type; };
  bool = option types.bool false;
  on = option types.bool true;
  strings = option (types.listOf types.str) [ ];
  string = option types.str;
  maybe = type: option (types.nullOr type) null;
  set = type: option (types.attrsOf type) { };
  of = options: types.submodule { inherit options; };

  # formats.ini, with listToValue and without. [a] pkgs/pkgs-lib/formats.nix, beside nixos/
  atom = types.nullOr (
    types.oneOf [
      types.bool
      types.int
      types.float
      types.str
    ]
  );
  ini = types.attrsOf (types.attrsOf (types.either atom (types.nonEmptyListOf atom)));
  iniWithoutLists = types.attrsOf (types.attrsOf atom);

  # [a] lib/systemd-unit-options.nix: definitions of one setting are one list where one of them is.
  unitOption = types.either (types.listOf types.unspecified) scalar;
  scalar = types.oneOf [
    types.bool
    types.int
    types.str
  ];

  user = option (of {
    isNormalUser = bool;
    isSystemUser = bool;
    uid = maybe types.int;
    group = string "";
    extraGroups = strings;
    openssh.authorizedKeys = {
      keys = strings;
      keyFiles = option (types.listOf types.path) [ ];
    };
  }) { };

  exporter =
    port: more:
    option (of (
      {
        enable = bool;
        port = option types.port port;
        listenAddress = string "0.0.0.0";
        extraFlags = strings;
        openFirewall = bool;
        firewallFilter = maybe types.str;
        firewallRules = maybe types.lines;
        user = maybe types.str;
        group = maybe types.str;
      }
      // more
    )) { };
in
{
  options = {
    # [a] modules/misc/version.nix
    system.stateVersion = required types.str;

    # [a] modules/tasks/network-interfaces.nix
    networking.hostName = option (types.strMatching "^$|^[[:alnum:]]([[:alnum:]_-]{0,61}[[:alnum:]])?$") "nixos";
    networking.hostId = maybe types.str;

    # [a] modules/services/networking/firewall.nix
    networking.firewall.allowedTCPPorts = option (types.listOf types.port) [ ];

    # [a] modules/system/boot/loader/systemd-boot/systemd-boot.nix
    boot.loader.systemd-boot.enable = bool;

    # [a] modules/config/users-groups.nix, modules/services/networking/ssh/sshd.nix. stubs.nix has root by name, so
    # daniel is by name too.
    users.users.daniel = user;
    users.groups = set (of {
      gid = maybe types.int;
      members = strings;
    });

    # [a] modules/tasks/filesystems.nix; [r] fsType has no default any more.
    fileSystems = required (
      types.attrsOf (of {
        options = option (types.listOf types.str) [ "defaults" ];
      })
    );

    # [a] lib/systemd-unit-options.nix: of a service, what is used here.
    systemd.services = set (of {
      description = string "";
      documentation = strings;
      requiredBy = strings;
      wantedBy = strings;
      wants = strings;
      requires = strings;
      after = strings;
      before = strings;
      unitConfig = set unitOption;
      serviceConfig = set unitOption;
      preStart = option types.lines "";
      script = option types.lines "";
    });

    # [b] modules/tasks/filesystems/zfs.nix. There is no default here: nixpkgs warns where it is left to it.
    boot.zfs.forceImportRoot = required types.bool;
    boot.zfs.forceImportAll = bool;
    services.zfs = {
      autoScrub = {
        enable = bool;
        interval = string "monthly";
        randomizedDelaySec = string "6h";
        pools = strings;
      };
      zed = {
        enableMail = required types.bool;
        settings = set (
          types.oneOf [
            types.str
            types.int
            types.bool
            (types.listOf types.str)
          ]
        );
      };
    };

    # [a] modules/services/network-filesystems/samba.nix
    services.samba = {
      enable = bool;
      openFirewall = bool;
      smbd.enable = on;
      nmbd.enable = on;
      winbindd.enable = on;
      nsswins = bool;
      # A submodule with the freeform type of the format; the defaults of its declared options are below.
      settings = option ini { };
    };

    # [a] modules/services/network-filesystems/nfsd.nix, modules/tasks/filesystems/nfs.nix
    services.nfs = {
      settings = option iniWithoutLists { };
      extraConfig = option types.lines "";
      server = {
        enable = bool;
        exports = option types.lines "";
        extraNfsdConfig = string "";
        createMountPoints = bool;
        hostName = maybe types.str;
      };
    };

    # [a] modules/services/monitoring/prometheus/exporters.nix, exporters/node.nix, exporters/zfs.nix
    services.prometheus.exporters = {
      node = exporter 9100 {
        enabledCollectors = strings;
        disabledCollectors = strings;
      };
      zfs = exporter 9134 {
        telemetryPath = string "/metrics";
        pools = option (types.nullOr (types.listOf types.str)) [ ];
      };
    };

    # [a] modules/system/boot/systemd/tmpfiles.nix
    systemd.tmpfiles.rules = strings;
  };

  config = {
    boot.loader.supportsInitrdSecrets = lib.mkIf config.boot.loader.systemd-boot.enable true;

    # [a] modules/services/network-filesystems/samba.nix
    services.samba.settings.global = {
      security = lib.mkDefault "user";
      "invalid users" = lib.mkDefault [ "root" ];
      "passwd program" = lib.mkDefault "/run/wrappers/bin/passwd %u";
    };

    assertions =
      [
        # [b] modules/tasks/filesystems/zfs.nix
        {
          assertion = config.networking.hostId != null;
          message = "ZFS wants networking.hostId";
        }
        # [a] modules/tasks/network-interfaces.nix
        {
          assertion = builtins.match "[0-9a-fA-F]{8}" (toString config.networking.hostId) != null;
          message = "networking.hostId is eight hexadecimal digits";
        }
        {
          assertion = config.boot.zfs.forceImportAll -> config.boot.zfs.forceImportRoot;
          message = "forceImportAll wants forceImportRoot";
        }
        # [a] modules/services/network-filesystems/samba.nix
        {
          assertion = config.services.samba.nsswins -> config.services.samba.winbindd.enable;
          message = "nsswins wants winbindd";
        }
        # [a] modules/tasks/filesystems/nfs.nix
        {
          assertion =
            config.services.nfs.settings != { }
            -> config.services.nfs.extraConfig == "" && config.services.nfs.server.extraNfsdConfig == "";
          message = "services.nfs.settings and extraConfig exclude each other";
        }
      ]
      # [a] modules/config/users-groups.nix
      ++ lib.concatLists (
        lib.mapAttrsToList (name: user: [
          {
            assertion = user.isNormalUser != user.isSystemUser;
            message = "user ${name}: one of isNormalUser and isSystemUser";
          }
          {
            assertion = user.isSystemUser -> user.group != "" && config.users.groups ? ${user.group};
            message = "user ${name}: a system user wants a group that is there";
          }
        ]) { inherit (config.users.users) daniel; }
      );
  };
}
